package org.tensorflow.lite;

/** Signatures of LiteRT's class of this name, as far as the app uses it; they compute nothing. */
public final class TensorFlowLite {
    private TensorFlowLite() {}

    public static String runtimeVersion() {
        throw new UnsupportedOperationException();
    }
}
