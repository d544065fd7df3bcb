package org.cspineedge.core.builtin;

import org.cspineedge.core.KernelFamily;

/** What gives each stored value by the one it is made of, and by nothing else: QUANTIZE and LOGISTIC. */
final class Lookup implements Kernel {
    private static final int PART = 1 << 14;

    private final byte[] input;
    private final byte[] output;
    private final int length;
    private final byte[] table;

    /** The value that is stored for a stored one, both widened with regard to their signs; it need not be in range. */
    interface Mapping {
        int of(int value);
    }

    /**
     * @param from the tensor that is read
     * @param to the tensor that is written
     */
    private Lookup(Tensor from, Tensor to, byte[] input, byte[] output, Mapping mapping) {
        this.input = input;
        this.output = output;
        this.length = from.length();
        this.table = new byte[256];
        for (int value = from.lowest(); value <= from.highest(); value++) {
            table[value & 0xFF] = (byte) Math.min(Math.max(mapping.of(value), to.lowest()), to.highest());
        }
    }

    static Lookup logistic(Operands operands, KernelFamily family) throws GraphException {
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        Shapes.requireEqual(input.length(), output.length());
        byte[] from = operands.content(0);
        return new Lookup(input, output, from, operands.allocateOutput(), value -> {
            float x = input.scale() * (value - input.zeroPoint);
            if (family == KernelFamily.XNNPACK) {
                float y = x < 0 ? 1f / (1f + (float) Math.exp(-x)) : 1f - 1f / (1f + (float) Math.exp(x));
                return (int) Math.rint(y * (1f / output.scale())) + output.zeroPoint;
            }
            float y = 1f / (1f + (float) Math.exp(-x));
            return (int) Math.floor(y * (1f / output.scale()) + 0.5) + output.zeroPoint;
        });
    }

    static Lookup quantize(Operands operands, KernelFamily family) throws GraphException {
        Tensor input = operands.quantized(0);
        Tensor output = operands.quantizedOutput();
        Shapes.requireEqual(input.length(), output.length());
        byte[] from = operands.content(0);
        byte[] to = operands.allocateOutput();
        float ratio = input.scale() / output.scale();
        boolean isSameType = input.type == output.type;
        if (family == KernelFamily.XNNPACK && isSameType && ratio >= 1f / 256 && ratio <= 128) { // its qs8-vcvt
            int multiplier = (int) Math.rint(256f * ratio);
            return new Lookup(
                    input,
                    output,
                    from,
                    to,
                    value -> ((value - input.zeroPoint) * multiplier + 128 >> 8) + output.zeroPoint);
        }
        FixedPoint factor = FixedPoint.of((double) input.scale() / output.scale());
        return new Lookup(input, output, from, to, value -> factor.times(value - input.zeroPoint) + output.zeroPoint);
    }

    @Override
    public int parts() {
        return (length + PART - 1) / PART;
    }

    @Override
    public void run(int part, int[][] scratch) {
        int last = Math.min(length, (part + 1) * PART);
        for (int i = part * PART; i < last; i++) {
            output[i] = table[input[i] & 0xFF];
        }
    }
}
