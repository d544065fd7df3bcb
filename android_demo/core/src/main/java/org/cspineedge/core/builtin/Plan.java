package org.cspineedge.core.builtin;

import java.util.ArrayList;
import java.util.List;
import org.cspineedge.core.KernelFamily;

/** A graph made ready to run: its kernels in order, what they write to, and where its input goes and outputs lie. */
final class Plan {
    private final Arena arena;
    /** For each tensor the one that holds its integers: itself, or what it is dequantised from. */
    private final int[] storedAs;

    private final byte[] input;
    private final int inputLength;
    private final Kernel[] kernels;
    private final Output[] outputs;
    private final int[][][] scratch;

    Plan(Graph graph, KernelFamily family, Memory memory, int threads, boolean keepTensors) throws GraphException {
        arena = new Arena(graph, memory, keepTensors);
        if (graph.inputs().length != 1) {
            throw GraphException.lacking(graph.inputs().length + " inputs");
        }
        Tensor given = graph.tensors().get(graph.inputs()[0]);
        if (given.type != Tensor.UINT8 || given.scales.length != 1) {
            throw GraphException.lacking("an input that is not quantised to uint8");
        }
        input = arena.allocate(graph.inputs()[0]);
        inputLength = given.length();
        storedAs = new int[graph.tensors().size()];
        for (int i = 0; i < storedAs.length; i++) {
            storedAs[i] = i;
        }
        kernels = makeKernels(graph, family, memory);
        outputs = new Output[graph.outputs().length];
        for (int i = 0; i < outputs.length; i++) {
            int index = graph.outputs()[i];
            int stored = storedAs[index];
            Tensor tensor = Operands.quantized(graph.tensors().get(stored));
            outputs[i] = new Output(tensor, arena.content(stored), stored != index);
        }
        scratch = makeScratch(memory, threads);
    }

    private Kernel[] makeKernels(Graph graph, KernelFamily family, Memory memory) throws GraphException {
        List<Kernel> made = new ArrayList<>();
        for (int i = 0; i < graph.operations().size(); i++) {
            Operation operation = graph.operations().get(i);
            Operands operands = new Operands(operation, graph.tensors(), arena, memory);
            if (operation.code() == Operation.DEQUANTIZE) {
                dequantize(operands, graph);
            } else {
                made.add(KernelChoice.of(operands, family));
            }
            arena.release(operation, i);
        }
        return made.toArray(new Kernel[0]);
    }

    /** Needs no kernel: real values are made when they are asked for. */
    private void dequantize(Operands operands, Graph graph) throws GraphException {
        int output = operands.output();
        boolean isOutput = false;
        for (int index : graph.outputs()) {
            isOutput |= index == output;
        }
        if (!isOutput || graph.tensors().get(output).type != Tensor.FLOAT32) {
            throw GraphException.lacking("real values within the graph");
        }
        Shapes.requireEqual(
                operands.quantized(0).length(), graph.tensors().get(output).length());
        storedAs[output] = operands.input(0);
    }

    private int[][][] makeScratch(Memory memory, int threads) throws GraphException {
        int rows = 0;
        long length = 0;
        for (Kernel kernel : kernels) {
            rows = Math.max(rows, kernel.scratchRows());
            length = Math.max(length, kernel.scratchLength());
        }
        int[][][] made = new int[threads][][];
        for (int thread = 0; thread < threads; thread++) {
            made[thread] = memory.rows(rows, length);
        }
        return made;
    }

    byte[] input() {
        return input;
    }

    int inputLength() {
        return inputLength;
    }

    Kernel[] kernels() {
        return kernels;
    }

    /** Rows of memory for each thread, enough for any kernel. */
    int[][][] scratch() {
        return scratch;
    }

    int outputs() {
        return outputs.length;
    }

    Output output(int position) {
        return outputs[position];
    }

    int tensors() {
        return arena.tensors();
    }

    byte[] tensor(int index) {
        return arena.tensor(index);
    }
}
