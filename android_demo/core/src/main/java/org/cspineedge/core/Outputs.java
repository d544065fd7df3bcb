package org.cspineedge.core;

import java.util.OptionalInt;

/**
 * Positions of the output tensors, in the order of the graph's outputs.
 *
 * @param logits two logits, one a label; decisions are made on their difference
 * @param probability softmax of the same, for other tools, if the model has it
 */
public record Outputs(int logits, OptionalInt probability) {
    /** @throws IllegalArgumentException if a position is negative */
    public Outputs {
        if (logits < 0 || probability.orElse(0) < 0) {
            throw new IllegalArgumentException("positions of outputs should be 0 or more");
        }
    }
}
