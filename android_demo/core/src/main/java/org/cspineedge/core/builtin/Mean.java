package org.cspineedge.core.builtin;

import java.util.Arrays;
import org.cspineedge.core.KernelFamily;

/** MEAN of int8 over height and width. */
final class Mean implements Kernel {
    private static final int OPTIONS = 27;

    private final byte[] input;
    private final int inputZeroPoint;
    private final int pixels;
    private final int channels;
    private final Rescale rescale;
    private final byte[] output;

    /** @param rescale from sums of all pixels to stored means, one factor a channel */
    private Mean(byte[] input, int inputZeroPoint, int pixels, int channels, Rescale rescale, byte[] output) {
        this.input = input;
        this.inputZeroPoint = inputZeroPoint;
        this.pixels = pixels;
        this.channels = channels;
        this.rescale = rescale;
        this.output = output;
    }

    static Mean of(Operands operands, KernelFamily family) throws GraphException {
        operands.options(OPTIONS);
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        int[] axes = operands.numbers(1);
        for (int i = 0; i < axes.length; i++) {
            axes[i] += axes[i] < 0 ? 4 : 0;
        }
        Arrays.sort(axes);
        if (input.shape.length != 4 || input.shape[0] != 1 || !Arrays.equals(axes, new int[] {1, 2})) {
            throw GraphException.lacking("MEAN over other than height and width");
        }
        int channels = input.shape[3];
        Shapes.requireEqual(output.length(), channels);
        int pixels = input.shape[1] * input.shape[2];
        byte[] from = operands.content(0);
        Rescale rescale = family == KernelFamily.XNNPACK
                ? single(input, output, pixels, operands.memory().floats(channels))
                : fixed(input, output, pixels, channels);
        return new Mean(from, input.zeroPoint, pixels, channels, rescale, operands.allocateOutput());
    }

    /** As XNNPACK: the number of pixels is part of the factor. */
    private static Rescale single(Tensor input, Tensor output, int pixels, float[] factors) {
        Arrays.fill(factors, input.scale() / output.scale() * (1f / pixels));
        return new Rescale.Single(factors, output.zeroPoint, output.lowest(), output.highest());
    }

    /** As LiteRT's reference kernel: the multiplier is divided by the number of pixels, as many bits longer as fit. */
    private static Rescale fixed(Tensor input, Tensor output, int pixels, int channels) {
        FixedPoint factor = FixedPoint.of((double) input.scale() / output.scale());
        int shift = Math.min(31 - Integer.numberOfLeadingZeros(pixels), 31 + factor.shift());
        int multiplier = (int) (((long) factor.multiplier() << shift) / pixels);
        FixedPoint[] factors = new FixedPoint[channels];
        Arrays.fill(factors, new FixedPoint(multiplier, factor.shift() - shift));
        return new Rescale.Fixed(factors, output.zeroPoint, output.lowest(), output.highest());
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
