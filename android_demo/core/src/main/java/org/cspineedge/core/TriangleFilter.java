package org.cspineedge.core;

/**
 * Weights of Pillow's {@code BILINEAR} resize along one axis: a triangle whose support grows with the reduction, in
 * fixed point of {@value #BITS} fractional bits.
 *
 * <p>The weights are computed in double precision with Pillow's own sequence of operations, then rounded once; IEEE 754
 * gives the same on every machine. What touches pixels is integer arithmetic alone.
 */
final class TriangleFilter {
    /** Fractional bits of a weight: a sum of 8-bit levels still fits 32 bits. */
    static final int BITS = 22;

    private static final int HALF = 1 << (BITS - 1);

    private final int[] first;
    private final int[][] weights;

    /**
     * @param from length in pixels before
     * @param to length in pixels after
     */
    TriangleFilter(int from, int to) {
        first = new int[to];
        weights = new int[to][];
        double scale = (double) from / to;
        double support = Math.max(scale, 1.0);
        double slope = 1.0 / support;
        for (int i = 0; i < to; i++) {
            double center = (i + 0.5) * scale;
            int begin = Math.max((int) (center - support + 0.5), 0);
            int end = Math.min((int) (center + support + 0.5), from);
            first[i] = begin;
            weights[i] = fixedPoint(begin, end - begin, center, slope);
        }
    }

    private static int[] fixedPoint(int begin, int count, double center, double slope) {
        double[] triangle = new double[count];
        double sum = 0.0;
        for (int i = 0; i < count; i++) {
            double distance = Math.abs((i + begin - center + 0.5) * slope);
            triangle[i] = distance < 1.0 ? 1.0 - distance : 0.0;
            sum += triangle[i];
        }
        int[] fixed = new int[count];
        for (int i = 0; i < count; i++) {
            fixed[i] = (int) (0.5 + triangle[i] / sum * (1 << BITS));
        }
        return fixed;
    }

    /** Resizes each row to the filter's length. */
    GreyImage alongRows(GreyImage image) {
        int width = first.length;
        byte[] source = image.pixels();
        byte[] result = new byte[Math.multiplyExact(width, image.height())];
        for (int y = 0; y < image.height(); y++) {
            for (int x = 0; x < width; x++) {
                int at = y * image.width() + first[x];
                int sum = HALF;
                for (int weight : weights[x]) {
                    sum += (source[at++] & 0xFF) * weight;
                }
                result[y * width + x] = level(sum);
            }
        }
        return new GreyImage(width, image.height(), result);
    }

    /** Resizes each column to the filter's length. */
    GreyImage alongColumns(GreyImage image) {
        int width = image.width();
        byte[] source = image.pixels();
        byte[] result = new byte[Math.multiplyExact(width, first.length)];
        for (int y = 0; y < first.length; y++) {
            for (int x = 0; x < width; x++) {
                int at = first[y] * width + x;
                int sum = HALF;
                for (int weight : weights[y]) {
                    sum += (source[at] & 0xFF) * weight;
                    at += width;
                }
                result[y * width + x] = level(sum);
            }
        }
        return new GreyImage(width, first.length, result);
    }

    private static byte level(int sum) {
        return (byte) Math.min(sum >> BITS, 255);
    }
}
