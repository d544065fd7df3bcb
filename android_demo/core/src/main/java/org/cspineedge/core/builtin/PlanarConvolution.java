package org.cspineedge.core.builtin;

import java.util.Arrays;

/**
 * CONV_2D with few outputs of many pixels: each input of the window becomes a row over a tile of pixels, and each
 * output is a sum of such rows times its weights. {@link Convolution} has its rows over the outputs, which are too
 * short here.
 */
final class PlanarConvolution implements Kernel {
    private static final int TILE = 448;
    /** Rows that are made before all outputs take them; with a row of sums they stay in the first cache. */
    private static final int BLOCK = 20;

    private static final int ROWS_AT_ONCE = 5;

    private final Geometry geometry;
    private final byte[] input;
    private final int inputZeroPoint;
    private final byte[] output;
    private final int outputs;
    private final Rescale rescale;
    /** A row for each output, and zeros behind it. */
    private final int[][] weights;

    private final int[] bias;
    private final int inputs;
    private final int tiles;
    private final int tile;

    /** Takes what {@link Convolution} takes. */
    PlanarConvolution(
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
        this.bias = bias;
        inputs = filter.length / outputs;
        weights = memory.rows(outputs, inputs + ROWS_AT_ONCE);
        for (int i = 0; i < filter.length; i++) {
            weights[i / inputs][i % inputs] = filter[i];
        }
        tiles = (geometry.outPixels() + TILE - 1) / TILE;
        tile = (geometry.outPixels() + tiles - 1) / tiles;
    }

    /** Whether it is the faster one. */
    static boolean suits(Geometry geometry, int outputs) {
        return outputs <= 64 && geometry.outPixels() >= 4 * outputs;
    }

    @Override
    public int parts() {
        return tiles;
    }

    @Override
    public int scratchRows() {
        return BLOCK + weights.length;
    }

    @Override
    public long scratchLength() {
        return tile;
    }

    @Override
    public void run(int part, int[][] scratch) {
        int first = part * tile;
        int pixels = Math.min(tile, geometry.outPixels() - first);
        for (int row = 0; row < inputs; row += BLOCK) {
            int count = Math.min(BLOCK, inputs - row);
            for (int i = 0; i < count; i++) {
                spread(row + i, first, pixels, scratch[i]);
            }
            for (int channel = 0; channel < outputs; channel++) {
                int[] sums = scratch[BLOCK + channel];
                if (row == 0) {
                    Arrays.fill(sums, 0, pixels, bias[channel]);
                }
                add(sums, scratch, weights[channel], row, count, pixels);
            }
        }
        for (int channel = 0; channel < outputs; channel++) {
            rescale.store(scratch[BLOCK + channel], pixels, channel, output, first * outputs + channel, outputs);
        }
    }

    private static void add(int[] sums, int[][] rows, int[] weights, int row, int count, int length) {
        for (int i = 0; i < count; i += ROWS_AT_ONCE) { // rows beyond the last one have weights of zero
            int at = row + i;
            addProducts(
                    sums,
                    rows[i],
                    rows[i + 1],
                    rows[i + 2],
                    rows[i + 3],
                    rows[i + 4],
                    weights[at],
                    weights[at + 1],
                    weights[at + 2],
                    weights[at + 3],
                    weights[at + 4],
                    length);
        }
    }

    /** As {@link Sums}'s, and apart from it: HotSpot unrolls by the lengths it has seen, and short ones spoil it. */
    private static void addProducts(
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

    /** Brings an input of the window under the pixels of a tile. */
    private void spread(int row, int first, int pixels, int[] values) {
        int channels = geometry.channels();
        int place = row / channels;
        int dy = place / geometry.kernelWidth() * geometry.dilationY() - geometry.top();
        int dx = place % geometry.kernelWidth() * geometry.dilationX() - geometry.left();
        int step = geometry.strideX() * channels;
        for (int done = 0; done < pixels; ) { // a row of the output at a time
            int y = (first + done) / geometry.outWidth();
            int x = (first + done) % geometry.outWidth();
            int count = Math.min(geometry.outWidth() - x, pixels - done);
            int inY = y * geometry.strideY() + dy;
            int inX = x * geometry.strideX() + dx;
            int from = 0;
            int to = 0;
            if (inY >= 0 && inY < geometry.height()) {
                from = Math.min(count, inX >= 0 ? 0 : (-inX + geometry.strideX() - 1) / geometry.strideX());
                int inside = (geometry.width() - inX + geometry.strideX() - 1) / geometry.strideX();
                to = Math.max(from, Math.min(count, inside));
            }
            Arrays.fill(values, done, done + from, 0);
            int at = (inY * geometry.width() + inX) * channels + row % channels;
            widen(input, at + from * step, step, values, done + from, to - from, inputZeroPoint);
            Arrays.fill(values, done + to, done + count, 0);
            done += count;
        }
    }

    private static void widen(byte[] input, int from, int step, int[] values, int at, int count, int zeroPoint) {
        for (int i = 0; i < count; i++) {
            values[at + i] = input[from + i * step] - zeroPoint;
        }
    }
}
