package org.cspineedge.core.builtin;

import java.util.Arrays;
import org.cspineedge.core.KernelFamily;

/** MAX_POOL_2D and AVERAGE_POOL_2D of int8; padding takes no part. */
final class Pool implements Kernel {
    private static final int OPTIONS = 5;
    private static final int PARTS = 8;

    private final Geometry geometry;
    private final boolean average;
    private final byte[] input;
    private final byte[] output;
    private final int low;
    private final int high;
    private final int rowsOfPart;

    /**
     * @param average true for the average, rounded with halves away from zero; false for the largest
     * @param low smallest value to be stored
     * @param high largest
     */
    private Pool(Geometry geometry, boolean average, byte[] input, byte[] output, int low, int high) {
        this.geometry = geometry;
        this.average = average;
        this.input = input;
        this.output = output;
        this.low = low;
        this.high = high;
        rowsOfPart = (geometry.outHeight() + PARTS - 1) / PARTS;
    }

    /** @param average true for AVERAGE_POOL_2D, false for MAX_POOL_2D */
    static Pool of(Operands operands, boolean average, KernelFamily family) throws GraphException {
        FlatTable options = operands.options(OPTIONS);
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        Geometry geometry = Geometry.of(
                input,
                output,
                options.int32(4, 0),
                options.int32(3, 0),
                options.int8(0, 0),
                options.int32(2, 0),
                options.int32(1, 0),
                1,
                1);
        Shapes.requireEqual(output.shape[3], geometry.channels());
        operands.requireSameScale(input, output);
        ActivationRange range = ActivationRange.of(options.int8(5, 0), output, family);
        byte[] from = operands.content(0);
        return new Pool(geometry, average, from, operands.allocateOutput(), range.low(), range.high());
    }

    @Override
    public int parts() {
        return (geometry.outHeight() + rowsOfPart - 1) / rowsOfPart;
    }

    @Override
    public int scratchRows() {
        return 1;
    }

    @Override
    public long scratchLength() {
        return geometry.channels();
    }

    @Override
    public void run(int part, int[][] scratch) {
        int last = Math.min(geometry.outHeight(), (part + 1) * rowsOfPart);
        for (int y = part * rowsOfPart; y < last; y++) {
            for (int x = 0; x < geometry.outWidth(); x++) {
                pixel(y, x, scratch[0]);
            }
        }
    }

    private void pixel(int y, int x, int[] pooled) {
        int channels = geometry.channels();
        int top = y * geometry.strideY() - geometry.top();
        int left = x * geometry.strideX() - geometry.left();
        int bottom = Math.min(top + geometry.kernelHeight(), geometry.height());
        int right = Math.min(left + geometry.kernelWidth(), geometry.width());
        Arrays.fill(pooled, 0, channels, average ? 0 : -128);
        int count = 0;
        for (int inY = Math.max(0, top); inY < bottom; inY++) {
            for (int inX = Math.max(0, left); inX < right; inX++) {
                int from = (inY * geometry.width() + inX) * channels;
                if (average) {
                    addTo(pooled, input, from, channels);
                } else {
                    largestOf(pooled, input, from, channels);
                }
                count++;
            }
        }
        int at = (y * geometry.outWidth() + x) * channels;
        for (int i = 0; i < channels; i++) {
            int value = average ? mean(pooled[i], count) : pooled[i];
            output[at + i] = (byte) Math.min(Math.max(value, low), high);
        }
    }

    private static int mean(int sum, int count) {
        return (sum + (sum > 0 ? count / 2 : -(count / 2))) / count;
    }

    private static void addTo(int[] sums, byte[] input, int from, int count) {
        for (int i = 0; i < count; i++) {
            sums[i] += input[from + i];
        }
    }

    private static void largestOf(int[] largest, byte[] input, int from, int count) {
        for (int i = 0; i < count; i++) {
            largest[i] = Math.max(largest[i], input[from + i]);
        }
    }
}
