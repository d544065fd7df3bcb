package org.cspineedge.core.builtin;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The first subgraph of a TFLite model ({@code schema.fbs} of LiteRT, version 3).
 *
 * @param tensors its tensors
 * @param inputs what is given to it
 * @param outputs what it gives
 * @param operations in the order in which they are computed
 */
record Graph(List<Tensor> tensors, int[] inputs, int[] outputs, List<Operation> operations) {
    private static final int MOST_TENSORS = 1 << 14;
    private static final int MOST_OPERATIONS = 1 << 13;
    private static final int MOST_OPERANDS = 1 << 8;

    static Graph read(ByteBuffer file, Memory memory) throws GraphException {
        FlatTable model = FlatTable.root(file, memory);
        List<FlatTable> codes = model.tables(1, MOST_OPERATIONS);
        List<FlatTable> subgraphs = model.tables(2, MOST_OPERATIONS);
        List<FlatTable> buffers = model.tables(4, 2 * MOST_TENSORS);
        if (subgraphs.size() != 1) {
            throw GraphException.lacking(subgraphs.size() + " subgraphs");
        }
        FlatTable subgraph = subgraphs.get(0);
        List<Tensor> tensors = new ArrayList<>();
        for (FlatTable table : subgraph.tables(0, MOST_TENSORS)) {
            if (table.table(6) != null || table.int8(5, 0) != 0) {
                throw GraphException.lacking("a sparse or variable tensor");
            }
            tensors.add(Tensor.of(table, content(buffers, table.int32(2, 0))));
        }
        List<Operation> operations = new ArrayList<>();
        for (FlatTable table : subgraph.tables(3, MOST_OPERATIONS)) {
            operations.add(new Operation(
                    code(codes, table.int32(0, 0)),
                    table.ints(1, MOST_OPERANDS),
                    table.ints(2, MOST_OPERANDS),
                    table.int8(3, 0),
                    table.table(4)));
        }
        Graph graph = new Graph(
                List.copyOf(tensors),
                subgraph.ints(1, MOST_OPERANDS),
                subgraph.ints(2, MOST_OPERANDS),
                List.copyOf(operations));
        graph.checkOrder();
        return graph;
    }

    private static ByteBuffer content(List<FlatTable> buffers, int position) throws GraphException {
        if (position < 0 || position >= Math.max(1, buffers.size())) {
            throw GraphException.broken("a tensor has no buffer");
        }
        ByteBuffer data = position == 0 ? null : buffers.get(position).bytes(0);
        return data == null || data.limit() == 0 ? null : data;
    }

    private static int code(List<FlatTable> codes, int position) throws GraphException {
        if (position < 0 || position >= codes.size()) {
            throw GraphException.broken("an operation has no operator");
        }
        FlatTable code = codes.get(position);
        return Math.max(code.int8(0, 0), code.int32(3, 0)); // the second came when codes beyond 127 did
    }

    /** Verifies that all that is read was computed before, once, and that there are no cycles therefore. */
    private void checkOrder() throws GraphException {
        boolean[] known = new boolean[tensors.size()];
        for (int i = 0; i < known.length; i++) {
            known[i] = tensors.get(i).data != null;
        }
        compute(inputs, known);
        for (Operation operation : operations) {
            for (int input : operation.inputs()) {
                if (input != -1) {
                    require(input, known);
                }
            }
            compute(operation.outputs(), known);
        }
        for (int output : outputs) {
            require(output, known);
        }
    }

    private static void compute(int[] positions, boolean[] known) throws GraphException {
        for (int position : positions) {
            if (position < 0 || position >= known.length || known[position]) {
                throw GraphException.broken("a tensor is computed twice or is not there");
            }
            known[position] = true;
        }
    }

    private static void require(int position, boolean[] known) throws GraphException {
        if (position < 0 || position >= known.length || !known[position]) {
            throw GraphException.broken("a tensor is used before it is computed");
        }
    }
}
