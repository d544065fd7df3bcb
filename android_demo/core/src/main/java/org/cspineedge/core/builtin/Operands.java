package org.cspineedge.core.builtin;

import java.util.List;

/** Options, tensors and memory of an operation, given to its kernel once they are of the kind that it takes. */
final class Operands {
    private final Operation operation;
    private final List<Tensor> tensors;
    private final Arena arena;
    private final Memory memory;

    Operands(Operation operation, List<Tensor> tensors, Arena arena, Memory memory) {
        this.operation = operation;
        this.tensors = tensors;
        this.arena = arena;
        this.memory = memory;
    }

    Operation operation() {
        return operation;
    }

    /** What the kernel may allocate. */
    Memory memory() {
        return memory;
    }

    /** @param type which options the schema gives this operation */
    FlatTable options(int type) throws GraphException {
        if (operation.options() == null || operation.optionsType() != type) {
            throw GraphException.broken(operation.name() + " has no options");
        }
        return operation.options();
    }

    /** Number of inputs. */
    int inputs() {
        return operation.inputs().length;
    }

    /** Which tensor an input is. */
    int input(int position) throws GraphException {
        if (position >= inputs() || operation.inputs()[position] < 0) {
            throw GraphException.broken(operation.name() + " lacks an input");
        }
        return operation.inputs()[position];
    }

    /** Which tensor the output is. */
    int output() throws GraphException {
        if (operation.outputs().length != 1) {
            throw GraphException.broken(operation.name() + " has not one output");
        }
        return operation.outputs()[0];
    }

    /** An input of int8 or uint8. */
    Tensor quantized(int position) throws GraphException {
        return quantized(tensors.get(input(position)));
    }

    /** The output, of int8 or uint8. */
    Tensor quantizedOutput() throws GraphException {
        return quantized(tensors.get(output()));
    }

    /** An input of int8. */
    Tensor int8(int position) throws GraphException {
        return int8(tensors.get(input(position)));
    }

    /** The output, of int8. */
    Tensor int8Output() throws GraphException {
        return int8(tensors.get(output()));
    }

    /** A tensor that is verified to be of int8 or uint8 in steps of one scale. */
    static Tensor quantized(Tensor tensor) throws GraphException {
        if (!tensor.isQuantized() || tensor.scales.length != 1) {
            throw GraphException.lacking("a tensor of another type than int8 and uint8");
        }
        if (tensor.zeroPoint < tensor.lowest() || tensor.zeroPoint > tensor.highest()) {
            throw GraphException.broken("a zero point is " + tensor.zeroPoint);
        }
        return tensor;
    }

    private static Tensor int8(Tensor tensor) throws GraphException {
        if (quantized(tensor).type != Tensor.INT8) {
            throw GraphException.lacking("arithmetic of another type than int8");
        }
        return tensor;
    }

    /** The second input as weights of int8 with one scale, or one for each index of a side. */
    Tensor filter(int side) throws GraphException {
        Tensor tensor = tensors.get(input(1));
        if (tensor.type != Tensor.INT8 || tensor.zeroPoint != 0 || tensor.data == null) {
            throw GraphException.lacking("weights that are not symmetric int8 constants");
        }
        boolean perChannel =
                side < tensor.shape.length && tensor.axis == side && tensor.scales.length == tensor.shape[side];
        if (tensor.scales.length != 1 && !perChannel) {
            throw GraphException.broken("weights have " + tensor.scales.length + " scales");
        }
        return tensor;
    }

    /** The third input as one sum's start for each channel; zeros if there is none. */
    int[] bias(int channels) throws GraphException {
        if (inputs() < 3 || operation.inputs()[2] < 0) {
            return memory.ints(channels);
        }
        int[] bias = numbers(2);
        Shapes.requireEqual(bias.length, channels);
        return bias;
    }

    /** A copy of an input that is a constant of int32. */
    int[] numbers(int position) throws GraphException {
        Tensor tensor = tensors.get(input(position));
        if (tensor.type != Tensor.INT32 || tensor.data == null) {
            throw GraphException.lacking("numbers that are not constants of int32");
        }
        return tensor.ints(memory);
    }

    void requireSameScale(Tensor one, Tensor other) throws GraphException {
        if (one.type != other.type || one.scale() != other.scale() || one.zeroPoint != other.zeroPoint) {
            throw GraphException.lacking(operation.name() + " between unequal scales");
        }
    }

    /** Memory of an input. */
    byte[] content(int position) throws GraphException {
        return arena.content(input(position));
    }

    /** Memory for the output; asked for once, after that of all inputs. */
    byte[] allocateOutput() throws GraphException {
        return arena.allocate(output());
    }
}
