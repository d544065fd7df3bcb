package org.cspineedge.core;

import java.util.List;
import java.util.function.Function;

/** An engine that is told what to give: for each input tensor its outputs, as they are stored. */
final class ToldEngine implements Engine {
    private final String runtime;
    private final KernelFamily family;
    private final int threads;
    private final List<Quantization> quantizations;
    private final Function<byte[], double[][]> network;
    private double[][] given;
    boolean closed;

    private ToldEngine(
            String runtime,
            KernelFamily family,
            int threads,
            List<Quantization> quantizations,
            Function<byte[], double[][]> network) {
        this.runtime = runtime;
        this.family = family;
        this.threads = threads;
        this.quantizations = quantizations;
        this.network = network;
    }

    /** A factory of such engines. */
    record Factory(
            String runtime,
            List<KernelFamily> families,
            List<Quantization> quantizations,
            Function<byte[], double[][]> network)
            implements EngineFactory {

        @Override
        public Engine open(ModelFile model, KernelFamily family, int threads) throws ModelException {
            if (network == null) {
                throw new ModelException(model.name(), "has operations that " + runtime + " lacks");
            }
            return new ToldEngine(runtime, family, threads, quantizations, network);
        }
    }

    /** Two outputs of two values: probabilities, and logits in steps of a quarter around 128. */
    static Factory factory(Function<byte[], double[]> logits, KernelFamily... families) {
        List<Quantization> quantizations = List.of(new Quantization(1 / 256f, 0), new Quantization(0.25f, 128));
        return new Factory("told", List.of(families), quantizations, input -> new double[][] {
            {0, 255}, logits.apply(input)
        });
    }

    @Override
    public String runtime() {
        return runtime;
    }

    @Override
    public String version() {
        return "1.0";
    }

    @Override
    public KernelFamily family() {
        return family;
    }

    @Override
    public int threads() {
        return threads;
    }

    @Override
    public void run(byte[] input) {
        given = network.apply(input);
    }

    @Override
    public int outputs() {
        return given.length;
    }

    @Override
    public int outputLength(int position) {
        return given[position].length;
    }

    @Override
    public Quantization outputQuantization(int position) {
        return quantizations.get(position);
    }

    @Override
    public double output(int position, int index) {
        return given[position][index];
    }

    @Override
    public void close() {
        closed = true;
    }
}
