package org.cspineedge.core;

/**
 * Something that runs one model. Engines are not for several threads at a time; they may use several themselves.
 *
 * <p>Nothing is allocated between {@link #run} and {@link #output}.
 */
public interface Engine extends AutoCloseable {
    /** The interpreter's name in reports, such as {@code ai-edge-litert} or {@code builtin}. */
    String runtime();

    /** The interpreter's version. */
    String version();

    /** Which golden outputs it should give. */
    KernelFamily family();

    /** Threads it computes with. */
    int threads();

    /**
     * Runs the model once.
     *
     * @param input content of the uint8 input tensor (1, height, width, channels)
     * @throws IllegalArgumentException if its length is another
     */
    void run(byte[] input);

    /** Number of output tensors. */
    int outputs();

    /** Number of values of an output tensor. */
    int outputLength(int position);

    /** How an output tensor stores real values. */
    Quantization outputQuantization(int position);

    /**
     * A stored value of an output tensor after {@link #run}, widened with regard to its sign; a float as it is.
     *
     * @param position of the output, in the graph's order
     * @param index of the value
     */
    double output(int position, int index);

    /** Gives back what it holds. */
    @Override
    void close();
}
