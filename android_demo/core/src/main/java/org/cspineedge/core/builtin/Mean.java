package org.cspineedge.core.builtin;

import java.util.Arrays;

/** MEAN of int8 over height and width. */
final class Mean implements Kernel {
    private final byte[] input;
    private final int inputZeroPoint;
    private final int pixels;
    private final int channels;
    private final Rescale rescale;
    private final byte[] output;

    /** @param rescale from sums of all pixels to stored means, one factor a channel */
    Mean(byte[] input, int inputZeroPoint, int pixels, int channels, Rescale rescale, byte[] output) {
        this.input = input;
        this.inputZeroPoint = inputZeroPoint;
        this.pixels = pixels;
        this.channels = channels;
        this.rescale = rescale;
        this.output = output;
    }

    @Override
    public int parts() {
        return 1;
    }

    @Override
    public int scratchRows() {
        return 1;
    }

    @Override
    public long scratchLength() {
        return channels;
    }

    @Override
    public void run(int part, int[][] scratch) {
        int[] sums = scratch[0];
        Arrays.fill(sums, 0, channels, 0);
        for (int pixel = 0; pixel < pixels; pixel++) {
            int from = pixel * channels;
            for (int i = 0; i < channels; i++) {
                sums[i] += input[from + i] - inputZeroPoint;
            }
        }
        rescale.store(sums, 0, channels, 0, output, 0);
    }
}
