package org.cspineedge.core.builtin;

/** An operation made ready: it knows its tensors' memory, and computes parts that do not touch one another. */
interface Kernel {
    /** Number of parts, in any order and by any thread. */
    int parts();

    /**
     * Computes a part.
     *
     * @param part which
     * @param scratch rows of memory that nobody else writes to meanwhile
     */
    void run(int part, int[][] scratch);

    /** Rows of scratch it needs. */
    default int scratchRows() {
        return 0;
    }

    /** Length of each. */
    default long scratchLength() {
        return 0;
    }
}
