package org.cspineedge.core.builtin;

import java.util.Arrays;

/**
 * DEPTHWISE_CONV_2D with one output a channel, some pixels of a row at a time, as many as stay in the first cache: for
 * each place of the window a row of inputs, shifted so that it lies under the outputs, and a row of weights that repeat
 * from pixel to pixel.
 */
final class DepthwiseConvolution implements Kernel {
    private static final int PARTS = 8;
    private static final int TILE_VALUES = 2048;

    private final Geometry geometry;
    private final byte[] input;
    private final int inputZeroPoint;
    private final byte[] output;
    private final Rescale rescale;
    private final int[][] weights;
    private final int[] bias;
    private final int channels;
    private final int rowsOfPart;
    private final int tiles;
    private final int tile;

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
        tiles = (int) Math.min(geometry.outWidth(), 1 + (long) geometry.outWidth() * channels / TILE_VALUES);
        tile = (geometry.outWidth() + tiles - 1) / tiles;
        int length = tile * channels;
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

    /** The sums, a padded piece of a row of the input, which rows are shifted already, and these. */
    @Override
    public int scratchRows() {
        return 3 + weights.length;
    }

    @Override
    public long scratchLength() {
        return Math.max(geometry.kernelHeight(), (long) reach() * channels);
    }

    /** Columns of the input that a tile looks at. */
    private int reach() {
        return (tile - 1) * geometry.strideX() + (geometry.kernelWidth() - 1) * geometry.dilationX() + 1;
    }

    @Override
    public void run(int part, int[][] scratch) {
        for (int x = 0; x < geometry.outWidth(); x += tile) {
            run(part, x, Math.min(tile, geometry.outWidth() - x), scratch);
        }
    }

    private void run(int part, int x, int pixels, int[][] scratch) {
        int length = pixels * channels;
        int[] sums = scratch[0];
        int[] present = scratch[2];
        Arrays.fill(present, 0, geometry.kernelHeight(), -1);
        int last = Math.min(geometry.outHeight(), (part + 1) * rowsOfPart);
        for (int y = part * rowsOfPart; y < last; y++) {
            System.arraycopy(bias, 0, sums, 0, length);
            for (int kernelY = 0; kernelY < geometry.kernelHeight(); kernelY++) {
                int inY = y * geometry.strideY() + kernelY * geometry.dilationY() - geometry.top();
                if (inY >= 0 && inY < geometry.height()) {
                    int slot = inY % geometry.kernelHeight();
                    if (present[slot] != inY) {
                        shift(inY, x, pixels, scratch, 3 + slot * geometry.kernelWidth());
                        present[slot] = inY;
                    }
                    add(sums, scratch, 3 + slot * geometry.kernelWidth(), kernelY * geometry.kernelWidth(), length);
                }
            }
            for (int pixel = 0; pixel < pixels; pixel++) {
                int at = (y * geometry.outWidth() + x + pixel) * channels;
                rescale.store(sums, pixel * channels, channels, 0, output, at);
            }
        }
    }

    /** Brings a piece of a row of the input under the outputs, once for each column of the window. */
    private void shift(int inY, int x, int pixels, int[][] scratch, int firstRow) {
        int[] padded = scratch[1];
        int first = x * geometry.strideX() - geometry.left();
        int from = Math.min(reach(), Math.max(0, -first));
        int to = Math.max(from, Math.min(reach(), geometry.width() - first));
        Arrays.fill(padded, 0, from * channels, 0);
        int at = (inY * geometry.width() + first + from) * channels;
        widen(input, at, (to - from) * channels, inputZeroPoint, padded, from * channels);
        Arrays.fill(padded, to * channels, reach() * channels, 0);
        for (int kernelX = 0; kernelX < geometry.kernelWidth(); kernelX++) {
            int[] row = scratch[firstRow + kernelX];
            int column = kernelX * geometry.dilationX();
            if (geometry.strideX() == 1) {
                System.arraycopy(padded, column * channels, row, 0, pixels * channels);
            } else {
                for (int pixel = 0; pixel < pixels; pixel++, column += geometry.strideX()) {
                    System.arraycopy(padded, column * channels, row, pixel * channels, channels);
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
