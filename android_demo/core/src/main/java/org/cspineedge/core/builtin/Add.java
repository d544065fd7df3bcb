package org.cspineedge.core.builtin;

import java.util.Arrays;
import org.cspineedge.core.KernelFamily;

/** ADD of two tensors of int8 of one shape. */
final class Add implements Kernel {
    private static final int OPTIONS = 11;
    private static final int PART = 1 << 14;

    private final byte[] first;
    private final byte[] second;
    private final byte[] output;
    private final int length;
    private final Sum sum;

    /** From two stored values to a stored sum. */
    interface Sum {
        int of(int a, int b);
    }

    private Add(byte[] first, byte[] second, byte[] output, int length, Sum sum) {
        this.first = first;
        this.second = second;
        this.output = output;
        this.length = length;
        this.sum = sum;
    }

    static Add of(Operands operands, KernelFamily family) throws GraphException {
        FlatTable options = operands.options(OPTIONS);
        Tensor a = operands.int8(0);
        Tensor b = operands.int8(1);
        Tensor output = operands.int8Output();
        if (!Arrays.equals(a.shape, b.shape)) {
            throw GraphException.lacking("ADD of unequal shapes");
        }
        Shapes.requireEqual(a.length(), output.length());
        ActivationRange range = ActivationRange.of(options.int8(0, 0), output, family);
        Sum sum = family == KernelFamily.XNNPACK && isSingle(a, b, output)
                ? single(a, b, output, range.low(), range.high())
                : fixed(a, b, output, range.low(), range.high());
        byte[] first = operands.content(0);
        byte[] second = operands.content(1);
        return new Add(first, second, operands.allocateOutput(), output.length(), sum);
    }

    /** As XNNPACK ({@code qs8-vadd}): factors of 21 bits, rounded once, halves up. */
    private static Sum single(Tensor a, Tensor b, Tensor out, int low, int high) {
        float factorA = a.scale() / out.scale();
        float factorB = b.scale() / out.scale();
        int shift = 20 - Math.getExponent(Math.max(factorA, factorB));
        int multiplierA = (int) Math.rint(Math.scalb((double) factorA, shift));
        int multiplierB = (int) Math.rint(Math.scalb((double) factorB, shift));
        int start = (1 << shift - 1) - multiplierA * a.zeroPoint - multiplierB * b.zeroPoint;
        return (x, y) -> clamp((start + x * multiplierA + y * multiplierB >> shift) + out.zeroPoint, low, high);
    }

    /** As LiteRT's reference kernel: each brought to a common scale, the sum to the output's, in fixed point. */
    private static Sum fixed(Tensor a, Tensor b, Tensor out, int low, int high) {
        int headroom = 20;
        double common = 2 * Math.max((double) a.scale(), (double) b.scale());
        FixedPoint factorA = FixedPoint.of(a.scale() / common);
        FixedPoint factorB = FixedPoint.of(b.scale() / common);
        FixedPoint factor = FixedPoint.of(common / ((1 << headroom) * (double) out.scale()));
        return (x, y) -> {
            int sum = factorA.times((x - a.zeroPoint) << headroom) + factorB.times((y - b.zeroPoint) << headroom);
            return clamp(factor.times(sum) + out.zeroPoint, low, high);
        };
    }

    /** Whether XNNPACK takes these scales; it leaves others to LiteRT's own kernel. */
    private static boolean isSingle(Tensor a, Tensor b, Tensor out) {
        float factorA = a.scale() / out.scale();
        float factorB = b.scale() / out.scale();
        return Math.min(factorA, factorB) >= 1f / 1024 && Math.max(factorA, factorB) < 256;
    }

    private static int clamp(int value, int low, int high) {
        return Math.min(Math.max(value, low), high);
    }

    @Override
    public int parts() {
        return (length + PART - 1) / PART;
    }

    @Override
    public void run(int part, int[][] scratch) {
        int last = Math.min(length, (part + 1) * PART);
        for (int i = part * PART; i < last; i++) {
            output[i] = (byte) sum.of(first[i], second[i]);
        }
    }
}
