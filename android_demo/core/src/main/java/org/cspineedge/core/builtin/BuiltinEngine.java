package org.cspineedge.core.builtin;

import org.cspineedge.core.Engine;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.Quantization;

/** Runs one model in plain Java. */
final class BuiltinEngine implements Engine {
    private static final String VERSION = "1";

    private final Plan plan;
    private final KernelFamily family;
    private final Workers workers;

    BuiltinEngine(Plan plan, KernelFamily family) {
        this.plan = plan;
        this.family = family;
        this.workers = new Workers(plan.scratch());
    }

    @Override
    public String runtime() {
        return BuiltinEngineFactory.RUNTIME;
    }

    @Override
    public String version() {
        return VERSION;
    }

    @Override
    public KernelFamily family() {
        return family;
    }

    @Override
    public int threads() {
        return workers.count();
    }

    @Override
    public void run(byte[] input) {
        if (input.length != plan.inputLength()) {
            throw new IllegalArgumentException(
                    "the input has " + input.length + " bytes, the model takes " + plan.inputLength());
        }
        System.arraycopy(input, 0, plan.input(), 0, input.length);
        Kernel[] kernels = plan.kernels();
        for (int i = 0; i < kernels.length; i++) {
            workers.run(kernels[i]);
        }
    }

    @Override
    public int outputs() {
        return plan.outputs();
    }

    @Override
    public int outputLength(int position) {
        return plan.output(position).length();
    }

    @Override
    public Quantization outputQuantization(int position) {
        return plan.output(position).quantization();
    }

    @Override
    public double output(int position, int index) {
        return plan.output(position).value(index);
    }

    /** Content of a tensor of the graph after a run, if tensors are kept; null of one that is not computed. */
    byte[] tensor(int index) {
        return plan.tensor(index);
    }

    @Override
    public void close() {
        workers.close();
    }
}
