package org.cspineedge.core.builtin;

/**
 * Sums of products over whole arrays, with one store and one index a loop, which is what HotSpot and ART turn into SIMD
 * instructions. Two stores, offsets into one array, or products of shorts are not (the last crashed C2 of JDK 17).
 */
final class Sums {
    private Sums() {}

    /** Adds five rows, each times its factor. */
    static void addProducts(
            int[] sums,
            int[] a,
            int[] b,
            int[] c,
            int[] d,
            int[] e,
            int fa,
            int fb,
            int fc,
            int fd,
            int fe,
            int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += fa * a[i] + fb * b[i] + fc * c[i] + fd * d[i] + fe * e[i];
        }
    }

    /** Adds two rows, each times its factor. */
    static void addProducts(int[] sums, int[] a, int[] b, int fa, int fb, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += fa * a[i] + fb * b[i];
        }
    }

    /** Adds a row times its factor. */
    static void addProducts(int[] sums, int[] a, int fa, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += fa * a[i];
        }
    }

    /** Adds products of rows. */
    static void addProducts(int[] sums, int[] a, int[] wa, int[] b, int[] wb, int[] c, int[] wc, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += a[i] * wa[i] + b[i] * wb[i] + c[i] * wc[i];
        }
    }

    /** Adds the product of two rows. */
    static void addProducts(int[] sums, int[] a, int[] wa, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += a[i] * wa[i];
        }
    }
}
