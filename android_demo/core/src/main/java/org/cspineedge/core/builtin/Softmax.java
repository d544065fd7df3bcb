package org.cspineedge.core.builtin;

import org.cspineedge.core.KernelFamily;

/** SOFTMAX of int8 along the last side; outputs are in steps of 1/256 from -128 up. */
final class Softmax implements Kernel {
    private static final int OPTIONS = 9;
    /** exp of -1/4, -1/2, -1, -2, -4, -8 and -16 with 31 fractional bits. */
    private static final int[] EXPONENTIALS = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

    private final byte[] input;
    private final byte[] output;
    private final int rows;
    private final int length;
    private final Function function;

    /** Softmax of a row. */
    interface Function {
        void apply(byte[] input, int from, int length, byte[] output);
    }

    private Softmax(byte[] input, byte[] output, int rows, int length, Function function) {
        this.input = input;
        this.output = output;
        this.rows = rows;
        this.length = length;
        this.function = function;
    }

    static Softmax of(Operands operands, KernelFamily family) throws GraphException {
        float beta = operands.options(OPTIONS).float32(0, 0);
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        Shapes.requireEqual(input.length(), output.length());
        if (output.zeroPoint != -128 || output.scale() != 1f / 256 || !(beta > 0 && beta * input.scale() < 16)) {
            throw GraphException.lacking("SOFTMAX with these scales");
        }
        int length = input.lastSide();
        byte[] from = operands.content(0);
        Function function = family == KernelFamily.XNNPACK ? table(input.scale(), beta) : fixed(input.scale(), beta);
        return new Softmax(from, operands.allocateOutput(), input.length() / length, length, function);
    }

    @Override
    public int parts() {
        return 1;
    }

    @Override
    public void run(int part, int[][] scratch) {
        for (int row = 0; row < rows; row++) {
            function.apply(input, row * length, length, output);
        }
    }

    /** As LiteRT's optimised kernel, which XNNPACK leaves it to: exponentials from a table of floats. */
    private static Function table(float inputScale, float beta) {
        float[] exponentials = new float[256];
        float scale = -inputScale * beta;
        for (int below = 0; below < 256; below++) {
            exponentials[below] = (float) Math.exp(scale * below);
        }
        return (input, from, length, output) -> {
            int largest = largest(input, from, length);
            float sum = 0;
            for (int i = from; i < from + length; i++) {
                sum += exponentials[largest - input[i]];
            }
            float factor = 1f / (sum * (1f / 256));
            for (int i = from; i < from + length; i++) {
                float rescaled = exponentials[largest - input[i]] * factor;
                output[i] = (byte) (Math.min((int) (rescaled + 0.5), 255) - 128);
            }
        };
    }

    /** As LiteRT's reference kernel ({@code softmax.h}): gemmlowp's fixed point, 5 integer bits, 12 of the sum. */
    private static Function fixed(float inputScale, float beta) {
        FixedPoint factor = FixedPoint.of(Math.min((double) beta * inputScale * (1 << 26), (1L << 31) - 1.0));
        int shift = factor.shift();
        int farthest = -(int) Math.floor(31.0 * (1 << 26) / Math.scalb(1.0, shift));
        return (input, from, length, output) -> {
            int largest = largest(input, from, length);
            int sum = 0;
            for (int i = from; i < from + length; i++) {
                int below = input[i] - largest;
                if (below >= farthest) {
                    sum += FixedPoint.dividedByPowerOfTwo(exponential(rescaled(below, factor)), 12);
                }
            }
            int headroom = Integer.numberOfLeadingZeros(sum);
            int reciprocal = reciprocal((sum << headroom) - (1 << 31));
            for (int i = from; i < from + length; i++) {
                int below = input[i] - largest;
                int probability = 0;
                if (below >= farthest) {
                    int product = FixedPoint.doublingHigh(reciprocal, exponential(rescaled(below, factor)));
                    probability = FixedPoint.dividedByPowerOfTwo(product, 12 - headroom + 31 - 8);
                }
                output[i] = (byte) (Math.min(probability, 255) - 128);
            }
        };
    }

    private static int largest(byte[] input, int from, int length) {
        int largest = -128;
        for (int i = from; i < from + length; i++) {
            largest = Math.max(largest, input[i]);
        }
        return largest;
    }

    private static int rescaled(int below, FixedPoint factor) {
        return FixedPoint.doublingHigh(below << factor.shift(), factor.multiplier());
    }

    /** gemmlowp's {@code exp_on_negative_values}: of a number with 26 fractional bits, with 31. */
    private static int exponential(int x) {
        if (x == 0) {
            return Integer.MAX_VALUE;
        }
        int quarter = 1 << 24;
        int rest = (x & quarter - 1) - quarter;
        int result = exponentialNearZero(rest << 5);
        int remainder = rest - x;
        for (int i = 0; i < EXPONENTIALS.length; i++) {
            if ((remainder & quarter << i) != 0) {
                result = FixedPoint.doublingHigh(result, EXPONENTIALS[i]);
            }
        }
        return result;
    }

    /** A Taylor series about -1/8 for numbers from -1/4 to 0, all with 31 fractional bits. */
    private static int exponentialNearZero(int a) {
        int x = a + (1 << 28);
        int square = FixedPoint.doublingHigh(x, x);
        int cube = FixedPoint.doublingHigh(square, x);
        int fourth = FixedPoint.dividedByPowerOfTwo(FixedPoint.doublingHigh(square, square), 2);
        int third = 715827883;
        int higher = FixedPoint.dividedByPowerOfTwo(FixedPoint.doublingHigh(fourth + cube, third) + square, 1);
        int atEighth = 1895147668;
        return atEighth + FixedPoint.doublingHigh(atEighth, x + higher);
    }

    /** gemmlowp's {@code one_over_one_plus_x_for_x_in_0_1}: Newton's method, with 31 fractional bits. */
    private static int reciprocal(int a) {
        int half = (int) (((long) a + Integer.MAX_VALUE + 1) / 2);
        int x = 1515870810 + FixedPoint.doublingHigh(half, -1010580540); // 48/17 and -32/17
        for (int i = 0; i < 3; i++) {
            int error = (1 << 29) - FixedPoint.doublingHigh(half, x);
            x += saturatedTimes4(FixedPoint.doublingHigh(x, error));
        }
        return x > Integer.MAX_VALUE / 2 ? Integer.MAX_VALUE : x << 1;
    }

    private static int saturatedTimes4(int x) {
        long product = 4L * x;
        return (int) Math.min(Math.max(product, Integer.MIN_VALUE), Integer.MAX_VALUE);
    }
}
