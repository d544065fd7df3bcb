package org.cspineedge.core;

/**
 * A loaded model, from grey images to verdicts.
 *
 * <p>One thread at a time may classify. Others may read and set the threshold and read the latencies meanwhile.
 */
public final class SliceClassifier implements AutoCloseable {
    private static final int LARGEST_INPUT = 64 * 1024 * 1024;

    private final ModelFile model;
    private final Engine engine;
    private final Preprocessor preprocessor;
    private final byte[] input;
    private final int position;
    private final Quantization logits;
    private final LatencyWindow latency = new LatencyWindow();
    private volatile Decision decision;

    /**
     * Opens a model, and runs it once on a black image.
     *
     * @param model the model
     * @param factory what opens it
     * @param family one of the factory's families
     * @param threads at least 1
     * @throws ModelException if the factory cannot run the model, or the graph's input or outputs are not those its
     *     contract names
     */
    public SliceClassifier(ModelFile model, EngineFactory factory, KernelFamily family, int threads)
            throws ModelException {
        Contract contract = model.contract();
        Preprocessing spec = contract.preprocessing();
        this.model = model;
        this.preprocessor = new Preprocessor(spec);
        this.position = contract.outputs().logits();
        this.decision = new Decision(contract);
        long length = (long) spec.height() * spec.width() * spec.channels();
        check(length <= LARGEST_INPUT, "its input tensor would have " + length + " bytes");
        this.input = new byte[(int) length];
        this.engine = factory.open(model, family, threads);
        try {
            check(takesInput(), "its graph does not take the input of " + length + " bytes that its contract states");
            check(position < engine.outputs(), "its contract names output " + position + " of " + engine.outputs());
            int values = engine.outputLength(position);
            check(values == contract.labels().size(), "it has " + values + " output values for 2 labels");
        } catch (ContractException error) {
            engine.close();
            throw error;
        }
        this.logits = engine.outputQuantization(position);
    }

    /** Runs the network once, which also lets a virtual machine compile it before anybody waits for a verdict. */
    private boolean takesInput() {
        try {
            engine.run(input);
            return true;
        } catch (IllegalArgumentException error) {
            return false;
        }
    }

    private void check(boolean fits, String otherwise) throws ContractException {
        if (!fits) {
            throw new ContractException(model.name(), otherwise + "; convert it again");
        }
    }

    /**
     * Classifies an image.
     *
     * @param image grey levels of any size, such as {@link Greys} makes
     * @throws IllegalArgumentException if the network does not give numbers, which no verdict can be based on
     */
    public Reading classify(GreyImage image) {
        long begin = System.nanoTime();
        prepare(image);
        long prepared = System.nanoTime();
        infer();
        long inferred = System.nanoTime();
        latency.add(inferred - prepared);
        return new Reading(verdict(), (prepared - begin) / 1e6, (inferred - prepared) / 1e6);
    }

    /** Fills the input tensor. */
    void prepare(GreyImage image) {
        preprocessor.fill(input, image);
    }

    /** Runs the network on what the input tensor holds. */
    void infer() {
        engine.run(input);
    }

    /** Decides on what the network gave. */
    Verdict verdict() {
        return decision.decide(logit(engine.output(position, 0)), logit(engine.output(position, 1)));
    }

    /** Real value of a stored value of the logits' tensor. */
    double logit(double stored) {
        return logits.scale() == 0 ? stored : logits.dequantize((int) stored);
    }

    /** The model. */
    public ModelFile model() {
        return model;
    }

    /** The model's contract. */
    public Contract contract() {
        return model.contract();
    }

    /** What computes. */
    public Engine engine() {
        return engine;
    }

    /** The operating threshold in use: the contract's, unless {@link #setThreshold} gave another. */
    public double threshold() {
        return decision.threshold();
    }

    /**
     * Sets the operating threshold of this session; the contract's own stays as it is.
     *
     * @param marginLogit on the difference of the logits, positive minus other
     * @throws IllegalArgumentException if it is not a number
     */
    public void setThreshold(double marginLogit) {
        decision = new Decision(contract(), marginLogit);
    }

    /** Times of the latest inferences of {@link #classify}. */
    public LatencyWindow latency() {
        return latency;
    }

    /** Gives back what the engine holds. */
    @Override
    public void close() {
        engine.close();
    }
}
