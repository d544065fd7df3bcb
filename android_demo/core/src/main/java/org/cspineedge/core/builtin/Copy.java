package org.cspineedge.core.builtin;

import java.util.Arrays;

/** CONCATENATION, PAD, RESHAPE and SQUEEZE: runs of values that are carried over as they are. */
final class Copy implements Kernel {
    private static final int CONCATENATION_OPTIONS = 10;

    private final byte[][] inputs;
    private final int[] lengths;
    private final byte[] output;
    private final int outputLength;
    private final int runs;
    private final int[] starts;
    private final byte filling;
    private final boolean padded;

    /**
     * @param inputs arrays that are read, one run of each after the other
     * @param lengths of a run of each
     * @param starts where in the output each run of the first input begins; the others follow without a gap
     * @param filling value of what is not written
     */
    private Copy(byte[][] inputs, int[] lengths, int[] starts, byte[] output, int outputLength, int filling) {
        this.inputs = inputs;
        this.lengths = lengths;
        this.runs = starts.length;
        this.starts = starts;
        this.output = output;
        this.outputLength = outputLength;
        this.filling = (byte) filling;
        long copied = 0;
        for (int length : lengths) {
            copied += (long) length * runs;
        }
        this.padded = copied < outputLength;
    }

    static Copy concatenation(Operands operands) throws GraphException {
        FlatTable options = operands.options(CONCATENATION_OPTIONS);
        Tensor output = operands.quantizedOutput();
        int sides = output.shape.length;
        int axis = options.int32(0, 0);
        axis += axis < 0 ? sides : 0;
        if (axis < 0 || axis >= sides || options.int8(1, 0) != 0) {
            throw GraphException.broken("a concatenation along no side");
        }
        int inner = product(output.shape, axis + 1, sides);
        int runs = product(output.shape, 0, axis);
        int count = operands.inputs();
        byte[][] from = new byte[count][];
        int[] lengths = new int[count];
        long total = 0;
        for (int i = 0; i < count; i++) {
            Tensor input = operands.quantized(i);
            int[] expected = output.shape.clone();
            if (input.shape.length == sides) {
                expected[axis] = input.shape[axis];
            }
            if (!Arrays.equals(input.shape, expected)) {
                throw GraphException.broken("unequal shapes are concatenated");
            }
            operands.requireSameScale(input, output);
            from[i] = operands.content(i);
            lengths[i] = input.shape[axis] * inner;
            total += lengths[i];
        }
        Shapes.requireEqual(total, output.shape[axis] * (long) inner);
        int[] starts = operands.memory().ints(runs);
        for (int run = 0; run < runs; run++) {
            starts[run] = run * (int) total;
        }
        return new Copy(from, lengths, starts, operands.allocateOutput(), output.length(), 0);
    }

    private static int product(int[] shape, int from, int to) {
        int product = 1;
        for (int i = from; i < to; i++) {
            product *= shape[i];
        }
        return product;
    }

    static Copy pad(Operands operands) throws GraphException {
        Tensor input = operands.quantized(0);
        Tensor output = operands.quantizedOutput();
        int[] padding = operands.numbers(1);
        operands.requireSameScale(input, output);
        Shapes.requireSides(input, 4);
        Shapes.requireSides(output, 4);
        Shapes.requireEqual(padding.length, 8);
        for (int i = 0; i < 4; i++) {
            if (padding[2 * i] < 0 || padding[2 * i + 1] < 0) {
                throw GraphException.broken("a padding is negative");
            }
            Shapes.requireEqual((long) padding[2 * i] + input.shape[i] + padding[2 * i + 1], output.shape[i]);
        }
        Shapes.requireEqual(output.shape[0], 1);
        int[] starts = operands.memory().ints((long) input.shape[1] * input.shape[2]);
        for (int i = 0; i < starts.length; i++) {
            int y = padding[2] + i / input.shape[2];
            int x = padding[4] + i % input.shape[2];
            starts[i] = (y * output.shape[2] + x) * output.shape[3] + padding[6];
        }
        byte[][] from = {operands.content(0)};
        int[] lengths = {input.shape[3]};
        return new Copy(from, lengths, starts, operands.allocateOutput(), output.length(), output.zeroPoint);
    }

    /** RESHAPE and SQUEEZE. */
    static Copy reshape(Operands operands) throws GraphException {
        Tensor input = operands.quantized(0);
        Tensor output = operands.quantizedOutput();
        Shapes.requireEqual(input.length(), output.length());
        operands.requireSameScale(input, output);
        byte[][] from = {operands.content(0)};
        int[] lengths = {input.length()};
        return new Copy(from, lengths, new int[1], operands.allocateOutput(), input.length(), 0);
    }

    @Override
    public int parts() {
        return 1;
    }

    @Override
    public void run(int part, int[][] scratch) {
        if (padded) {
            Arrays.fill(output, 0, outputLength, filling);
        }
        for (int run = 0; run < runs; run++) {
            int at = starts[run];
            for (int i = 0; i < inputs.length; i++) {
                System.arraycopy(inputs[i], run * lengths[i], output, at, lengths[i]);
                at += lengths[i];
            }
        }
    }
}
