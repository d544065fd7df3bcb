package org.cspineedge.core.builtin;

import java.util.ArrayList;
import java.util.List;

/**
 * CONV_2D, and FULLY_CONNECTED as one of 1 x 1: sums of input values times rows of weights, a row being the weights of
 * one input of the window towards all outputs.
 *
 * <p>Inputs that are zero, about half of them behind a ReLU, are left out, with those beyond the edge. The weights are
 * taken in blocks that stay in the processor's cache while a tile of pixels passes.
 */
final class Convolution implements Kernel {
    private static final int TILE = 25;
    private static final int BLOCK_ROWS = 512;
    private static final int BLOCK_COLUMNS = 512;
    private static final int STEP = 10;

    /** Consecutive channels of one place of the window: a run of rows of the weights. */
    private record Run(int y, int x, int channel, int count, int row) {}

    private final Geometry geometry;
    private final byte[] input;
    private final int inputZeroPoint;
    private final byte[] output;
    private final int outputs;
    private final Rescale rescale;
    /** For each block of output channels its rows. */
    private final int[][][] weights;

    private final int[][] biases;
    private final Run[][] blocks;
    private final int tiles;
    private final int tile;
    private final int splits;

    /**
     * @param geometry how the window moves
     * @param input values of int8
     * @param inputZeroPoint the stored value that is 0
     * @param filter weights of int8, (outputs, kernel height, kernel width, channels)
     * @param bias a sum's start each
     * @param rescale from sums to stored values
     * @param output where they go
     */
    Convolution(
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
        this.outputs = bias.length;
        this.rescale = rescale;
        int rows = filter.length / outputs;
        int columnBlocks = (outputs + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
        weights = new int[columnBlocks][][];
        biases = new int[columnBlocks][];
        for (int block = 0; block < columnBlocks; block++) {
            int from = first(block, columnBlocks, outputs);
            int columns = first(block + 1, columnBlocks, outputs) - from;
            weights[block] = memory.rows(rows, columns);
            biases[block] = memory.ints(columns);
            System.arraycopy(bias, from, biases[block], 0, columns);
            for (int column = 0; column < columns; column++) {
                for (int row = 0; row < rows; row++) {
                    weights[block][row][column] = filter[(from + column) * rows + row];
                }
            }
        }
        blocks = blocks(geometry);
        int pixels = geometry.outPixels();
        tiles = (pixels + TILE - 1) / TILE;
        tile = (pixels + tiles - 1) / tiles;
        splits = tiles < 4 ? columnBlocks : 1;
    }

    private static int first(int part, int parts, int of) {
        return (int) ((long) of * part / parts);
    }

    private static Run[][] blocks(Geometry geometry) {
        List<Run[]> blocks = new ArrayList<>();
        List<Run> runs = new ArrayList<>();
        int rows = 0;
        int channels = geometry.channels();
        for (int place = 0; place < geometry.kernelHeight() * geometry.kernelWidth(); place++) {
            int y = place / geometry.kernelWidth() * geometry.dilationY() - geometry.top();
            int x = place % geometry.kernelWidth() * geometry.dilationX() - geometry.left();
            for (int channel = 0; channel < channels; ) {
                int count = Math.min(channels - channel, BLOCK_ROWS - rows);
                runs.add(new Run(y, x, channel, count, place * channels + channel));
                channel += count;
                rows += count;
                if (rows == BLOCK_ROWS) {
                    blocks.add(runs.toArray(new Run[0]));
                    runs.clear();
                    rows = 0;
                }
            }
        }
        if (rows > 0) {
            blocks.add(runs.toArray(new Run[0]));
        }
        return blocks.toArray(new Run[0][]);
    }

    @Override
    public int parts() {
        return tiles * splits;
    }

    @Override
    public int scratchRows() {
        return tile * (2 + weights.length / splits);
    }

    @Override
    public long scratchLength() {
        return Math.max(BLOCK_COLUMNS, BLOCK_ROWS) + 1;
    }

    @Override
    public void run(int part, int[][] scratch) {
        int firstPixel = part / splits * tile;
        int pixels = Math.min(tile, geometry.outPixels() - firstPixel);
        int firstColumns = splits == 1 ? 0 : part % splits;
        int columnBlocks = weights.length / splits;
        for (int column = 0; column < columnBlocks; column++) {
            int[] bias = biases[firstColumns + column];
            for (int pixel = 0; pixel < pixels; pixel++) {
                System.arraycopy(bias, 0, scratch[(2 + column) * tile + pixel], 0, bias.length);
            }
        }
        for (Run[] block : blocks) {
            accumulate(block, firstPixel, pixels, firstColumns, columnBlocks, scratch);
        }
        for (int column = 0; column < columnBlocks; column++) {
            int channel = first(firstColumns + column, weights.length, outputs);
            int count = biases[firstColumns + column].length;
            for (int pixel = 0; pixel < pixels; pixel++) {
                int[] sums = scratch[(2 + column) * tile + pixel];
                rescale.store(sums, 0, count, channel, output, (firstPixel + pixel) * outputs + channel);
            }
        }
    }

    private void accumulate(
            Run[] block, int firstPixel, int pixels, int firstColumns, int columnBlocks, int[][] scratch) {
        for (int column = 0; column < columnBlocks; column++) {
            int[][] rows = weights[firstColumns + column];
            int length = biases[firstColumns + column].length;
            int longest = 0;
            for (int pixel = 0; pixel < pixels; pixel++) {
                if (column == 0) {
                    gather(block, firstPixel + pixel, scratch[pixel], scratch[tile + pixel]);
                }
                longest = Math.max(longest, scratch[tile + pixel][BLOCK_ROWS]);
            }
            for (int from = 0; from < longest; from += STEP) { // all pixels at about the same rows, which stay cached
                for (int pixel = 0; pixel < pixels; pixel++) {
                    int[] sums = scratch[(2 + column) * tile + pixel];
                    add(sums, rows, scratch[pixel], scratch[tile + pixel], from, length);
                }
            }
        }
    }

    /** Lists what is not zero in the inputs of a block for a pixel, and its rows; last, how many. */
    private void gather(Run[] block, int pixel, int[] values, int[] places) {
        int y = pixel / geometry.outWidth() * geometry.strideY();
        int x = pixel % geometry.outWidth() * geometry.strideX();
        int found = 0;
        for (Run run : block) {
            int inY = y + run.y();
            int inX = x + run.x();
            if (inY >= 0 && inY < geometry.height() && inX >= 0 && inX < geometry.width()) {
                int from = (inY * geometry.width() + inX) * geometry.channels() + run.channel();
                found = gather(input, from, run.count(), inputZeroPoint, run.row(), values, places, found);
            }
        }
        places[BLOCK_ROWS] = found;
    }

    private static int gather(
            byte[] input, int from, int count, int zeroPoint, int row, int[] values, int[] places, int found) {
        for (int i = 0; i < count; i++) {
            int value = input[from + i] - zeroPoint;
            values[found] = value;
            places[found] = row + i;
            found += (value | -value) >>> 31;
        }
        return found;
    }

    /** Adds the products of {@link #STEP} entries of a list, or of what is left of it. */
    private static void add(int[] sums, int[][] rows, int[] values, int[] places, int from, int length) {
        int to = Math.min(from + STEP, places[BLOCK_ROWS]);
        int i = from;
        for (; i + 5 <= to; i += 5) {
            Sums.addProducts(
                    sums,
                    rows[places[i]],
                    rows[places[i + 1]],
                    rows[places[i + 2]],
                    rows[places[i + 3]],
                    rows[places[i + 4]],
                    values[i],
                    values[i + 1],
                    values[i + 2],
                    values[i + 3],
                    values[i + 4],
                    length);
        }
        for (; i + 2 <= to; i += 2) {
            Sums.addProducts(sums, rows[places[i]], rows[places[i + 1]], values[i], values[i + 1], length);
        }
        if (i < to) {
            Sums.addProducts(sums, rows[places[i]], values[i], length);
        }
    }
}
