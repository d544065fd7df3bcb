package org.cspineedge.core.builtin;

import java.util.ArrayList;
import java.util.List;

/** Memory of a graph's tensors. What no operation reads any more is used again for those that are computed later. */
final class Arena {
    private final List<Tensor> tensors;
    private final Memory memory;
    private final boolean keepTensors;
    private final byte[][] contents;
    /** For each tensor the last operation that reads it. */
    private final int[] lastUse;

    private final List<byte[]> free = new ArrayList<>();

    /** @param keepTensors true to use no memory again, so that each tensor can be read after a run */
    Arena(Graph graph, Memory memory, boolean keepTensors) {
        this.tensors = graph.tensors();
        this.memory = memory;
        this.keepTensors = keepTensors;
        contents = new byte[tensors.size()][];
        lastUse = lastUse(graph);
    }

    private static int[] lastUse(Graph graph) {
        int[] lastUse = new int[graph.tensors().size()];
        for (int i = 0; i < graph.operations().size(); i++) {
            Operation operation = graph.operations().get(i);
            for (int input : operation.inputs()) {
                if (input >= 0) {
                    boolean isReadLater = operation.code() == Operation.DEQUANTIZE;
                    lastUse[input] = isReadLater ? Integer.MAX_VALUE : Math.max(lastUse[input], i);
                }
            }
        }
        for (int output : graph.outputs()) {
            lastUse[output] = Integer.MAX_VALUE;
        }
        return lastUse;
    }

    /** Memory for a tensor that is about to be computed: the smallest that is free and long enough, or new. */
    byte[] allocate(int index) throws GraphException {
        int length = tensors.get(index).length();
        byte[] best = null;
        for (byte[] candidate : free) {
            if (candidate.length >= length && (best == null || candidate.length < best.length)) {
                best = candidate;
            }
        }
        if (best == null) {
            best = memory.bytes(length);
        } else {
            free.remove(best);
        }
        contents[index] = best;
        return best;
    }

    /** Memory of a tensor that has been computed, or is a constant. */
    byte[] content(int index) throws GraphException {
        if (contents[index] == null && tensors.get(index).data != null) {
            contents[index] = tensors.get(index).bytes(memory);
        }
        if (contents[index] == null) {
            throw GraphException.lacking("real values within the graph");
        }
        return contents[index];
    }

    /** Frees what none reads after the operation at this position. */
    void release(Operation operation, int position) {
        for (int input : operation.inputs()) {
            boolean isComputed = input >= 0 && tensors.get(input).data == null;
            if (isComputed && lastUse[input] == position && contents[input] != null && !keepTensors) {
                free.add(contents[input]);
                contents[input] = null;
            }
        }
    }

    /** Number of tensors of the graph. */
    int tensors() {
        return contents.length;
    }

    /** Memory of a tensor; null of one that has none, or has it no longer. */
    byte[] tensor(int index) {
        return contents[index];
    }
}
