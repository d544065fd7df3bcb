package org.cspineedge.core.builtin;

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
    Lookup(Tensor from, Tensor to, byte[] input, byte[] output, Mapping mapping) {
        this.input = input;
        this.output = output;
        this.length = from.length();
        this.table = new byte[256];
        for (int value = from.lowest(); value <= from.highest(); value++) {
            table[value & 0xFF] = (byte) Math.min(Math.max(mapping.of(value), to.lowest()), to.highest());
        }
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
