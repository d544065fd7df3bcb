package org.cspineedge.core.builtin;

/** What an engine may allocate: all that is large is asked for here, so that no graph makes it take too much. */
final class Memory {
    /** Most bytes one engine takes. */
    static final long LIMIT = 384L << 20;

    private long left = LIMIT;

    byte[] bytes(long length) throws GraphException {
        return new byte[take(length, Byte.BYTES)];
    }

    int[] ints(long length) throws GraphException {
        return new int[take(length, Integer.BYTES)];
    }

    float[] floats(long length) throws GraphException {
        return new float[take(length, Float.BYTES)];
    }

    /** Rows of equal length. */
    int[][] rows(int count, long length) throws GraphException {
        take(count, Long.BYTES);
        int[][] rows = new int[count][];
        for (int i = 0; i < count; i++) {
            rows[i] = ints(length);
        }
        return rows;
    }

    private int take(long length, int size) throws GraphException {
        long bytes = length * size + 16;
        if (length < 0 || length > LIMIT || bytes > left) {
            throw new GraphException("needs more than " + (LIMIT >> 20) + " MiB of memory; use the litert engine");
        }
        left -= bytes;
        return (int) length;
    }
}
