package org.cspineedge.core.builtin;

import java.util.Arrays;

/** CONCATENATION, PAD, RESHAPE and SQUEEZE: runs of values that are carried over as they are. */
final class Copy implements Kernel {
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
    Copy(byte[][] inputs, int[] lengths, int[] starts, byte[] output, int outputLength, int filling) {
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
