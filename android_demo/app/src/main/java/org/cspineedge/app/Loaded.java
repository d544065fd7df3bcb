package org.cspineedge.app;

import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.SliceClassifier;

/**
 * A model in use.
 *
 * @param source where it comes from
 * @param setup how it is run
 * @param classifier what runs it
 */
record Loaded(ModelSource source, Setup setup, SliceClassifier classifier) {
    /**
     * How a model is run.
     *
     * @param engine position among the engines of this app
     * @param family its kernels
     * @param threads that it computes with
     */
    record Setup(int engine, KernelFamily family, int threads) {}
}
