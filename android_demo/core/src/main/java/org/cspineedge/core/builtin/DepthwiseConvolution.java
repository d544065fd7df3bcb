package org.cspineedge.core.builtin;

import java.util.Arrays;

/**
 * DEPTHWISE_CONV_2D with one output a channel, a row of the output at a time: for each place of the window a row of
 * inputs, shifted so that it lies under the outputs, and a row of weights that repeat from pixel to pixel.
 */
final class DepthwiseConvolution implements Kernel {
    private static final int PARTS = 8;

    private final Geometry geometry;
    private final byte[] input;
    private final int inputZeroPoint;
    private final byte[] output;
    private final Rescale rescale;
    private final int[][] weights;
    private final int[] bias;
    private final int channels;
    private final int rowsOfPart;

    /**
     * @param geometry how the window moves
     * @param input values of int8
     * @param inputZeroPoint the stored value that is 0
     * @param filter weights of int8, (kernel height, kernel width, channels)
     * @param bias a sum's start each
     * @param rescale from sums to stored values
     * @param output where they go
     */
    DepthwiseConvolution(
            Geometry geometry,
            byte[] input,
            int inputZeroPoint,
            byte[] filter,
            int[] bias,
            Rescale rescale,
            byte[] output,
            Memory memory)
            throws GraphException {
        this.geometry = geometry;
        this.input = input;
        this.inputZeroPoint = inputZeroPoint;
        this.output = output;
        this.rescale = rescale;
        this.channels = geometry.channels();
        int length = geometry.outWidth() * channels;
        this.weights = memory.rows(geometry.kernelHeight() * geometry.kernelWidth(), length);
        this.bias = memory.ints(length);
        for (int i = 0; i < length; i++) {
            this.bias[i] = bias[i % channels];
            for (int place = 0; place < weights.length; place++) {
                weights[place][i] = filter[place * channels + i % channels];
            }
        }
        rowsOfPart = (geometry.outHeight() + PARTS - 1) / PARTS;
    }

    @Override
    public int parts() {
        return (geometry.outHeight() + rowsOfPart - 1) / rowsOfPart;
    }

    /** The sums, a padded row of the input, which rows are shifted already, and these. */
    @Override
    public int scratchRows() {
        return 3 + weights.length;
    }

    @Override
    public long scratchLength() {
        return Math.max(geometry.kernelHeight(), (long) paddedWidth() * channels);
    }

    private int paddedWidth() {
        int reach = (geometry.outWidth() - 1) * geometry.strideX() + (geometry.kernelWidth() - 1) * geometry.dilationX();
        return Math.max(reach + 1, geometry.left() + geometry.width());
    }

    @Override
    public void run(int part, int[][] scratch) {
        int length = geometry.outWidth() * channels;
        int[] sums = scratch[0];
        int[] padded = scratch[1];
        int[] present = scratch[2];
        Arrays.fill(padded, 0, paddedWidth() * channels, 0);
        Arrays.fill(present, 0, geometry.kernelHeight(), -1);
        int last = Math.min(geometry.outHeight(), (part + 1) * rowsOfPart);
        for (int y = part * rowsOfPart; y < last; y++) {
            System.arraycopy(bias, 0, sums, 0, length);
            for (int kernelY = 0; kernelY < geometry.kernelHeight(); kernelY++) {
                int inY = y * geometry.strideY() + kernelY * geometry.dilationY() - geometry.top();
                if (inY >= 0 && inY < geometry.height()) {
                    int slot = inY % geometry.kernelHeight();
                    if (present[slot] != inY) {
                        shift(inY, padded, scratch, 3 + slot * geometry.kernelWidth());
                        present[slot] = inY;
                    }
                    add(sums, scratch, 3 + slot * geometry.kernelWidth(), kernelY * geometry.kernelWidth(), length);
                }
            }
            for (int x = 0; x < geometry.outWidth(); x++) {
                int from = x * channels;
                rescale.store(sums, from, channels, 0, output, y * length + from);
            }
        }
    }

    /** Brings a row of the input under the outputs, once for each column of the window. */
    private void shift(int inY, int[] padded, int[][] scratch, int firstRow) {
        int length = geometry.width() * channels;
        widen(input, inY * length, length, inputZeroPoint, padded, geometry.left() * channels);
        for (int kernelX = 0; kernelX < geometry.kernelWidth(); kernelX++) {
            int[] row = scratch[firstRow + kernelX];
            int from = kernelX * geometry.dilationX() * channels;
            if (geometry.strideX() == 1) {
                System.arraycopy(padded, from, row, 0, geometry.outWidth() * channels);
            } else {
                for (int x = 0; x < geometry.outWidth(); x++) {
                    System.arraycopy(padded, from + x * geometry.strideX() * channels, row, x * channels, channels);
                }
            }
        }
    }

    private static void widen(byte[] input, int from, int length, int zeroPoint, int[] row, int at) {
        for (int i = 0; i < length; i++) {
            row[at + i] = input[from + i] - zeroPoint;
        }
    }

    private void add(int[] sums, int[][] rows, int row, int place, int length) {
        int x = 0;
        for (; x + 3 <= geometry.kernelWidth(); x += 3) {
            Sums.addProducts(
                    sums,
                    rows[row + x],
                    weights[place + x],
                    rows[row + x + 1],
                    weights[place + x + 1],
                    rows[row + x + 2],
                    weights[place + x + 2],
                    length);
        }
        for (; x < geometry.kernelWidth(); x++) {
            Sums.addProducts(sums, rows[row + x], weights[place + x], length);
        }
    }
}
