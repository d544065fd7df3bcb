package org.cspineedge.core.builtin;

/**
 * A positive real factor as LiteRT's integer kernels keep it: {@code multiplier * 2^(shift - 31)}
 * ({@code QuantizeMultiplier} in its {@code quantization_util.cc}).
 *
 * @param multiplier 0, or at least 2^30
 * @param shift at least -31
 */
record FixedPoint(int multiplier, int shift) {

    static FixedPoint of(double factor) {
        if (factor == 0) {
            return new FixedPoint(0, 0);
        }
        int exponent = Math.getExponent(factor) + 1;
        long fraction = Math.round(Math.scalb(factor, 31 - exponent));
        if (fraction == 1L << 31) {
            fraction /= 2;
            exponent++;
        }
        return exponent < -31 ? new FixedPoint(0, 0) : new FixedPoint((int) fraction, exponent);
    }

    static FixedPoint[] of(double[] factors) {
        FixedPoint[] fixed = new FixedPoint[factors.length];
        for (int i = 0; i < fixed.length; i++) {
            fixed[i] = of(factors[i]);
        }
        return fixed;
    }

    /** The product, rounded twice as {@code MultiplyByQuantizedMultiplier} does. */
    int times(int x) {
        return dividedByPowerOfTwo(doublingHigh(x << Math.max(shift, 0), multiplier), Math.max(-shift, 0));
    }

    /** {@code 2 a b / 2^32}, halves up, saturated: gemmlowp's {@code SaturatingRoundingDoublingHighMul}. */
    static int doublingHigh(int a, int b) {
        if (a == Integer.MIN_VALUE && b == Integer.MIN_VALUE) {
            return Integer.MAX_VALUE;
        }
        long product = (long) a * b;
        return (int) ((product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))) / (1L << 31));
    }

    /** {@code x / 2^exponent}, halves away from zero: gemmlowp's {@code RoundingDivideByPOT}. */
    static int dividedByPowerOfTwo(int x, int exponent) {
        int mask = (int) ((1L << exponent) - 1);
        int threshold = (mask >> 1) + (x < 0 ? 1 : 0);
        return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
    }
}
