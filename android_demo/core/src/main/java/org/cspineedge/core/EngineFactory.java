package org.cspineedge.core;

import java.util.List;

/** A kind of engine: opens models. */
public interface EngineFactory {
    /** Its name in reports and settings, such as {@code ai-edge-litert} or {@code builtin}. */
    String runtime();

    /** The families of kernels it can compute with; the first is the one to use. */
    List<KernelFamily> families();

    /**
     * Opens a model.
     *
     * @param model the model
     * @param family one of {@link #families}
     * @param threads at least 1
     * @throws ModelException if it cannot run that model, with what it lacks
     */
    Engine open(ModelFile model, KernelFamily family, int threads) throws ModelException;
}
