package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.util.Map;

/** Signatures of LiteRT's class of this name, as far as the app uses it; they compute nothing. */
public final class Interpreter implements AutoCloseable {
    public Interpreter(ByteBuffer model, Options options) {}

    public int getInputTensorCount() {
        throw new UnsupportedOperationException();
    }

    public Tensor getInputTensor(int index) {
        throw new UnsupportedOperationException();
    }

    public int getOutputTensorCount() {
        throw new UnsupportedOperationException();
    }

    public Tensor getOutputTensor(int index) {
        throw new UnsupportedOperationException();
    }

    public void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}

    public static class Options {
        public Options setNumThreads(int threads) {
            return this;
        }

        public Options setUseXNNPACK(boolean use) {
            return this;
        }
    }
}
