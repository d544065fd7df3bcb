package org.tensorflow.lite;

/** Signatures of LiteRT's interface of this name, as far as the app uses it. */
public interface Tensor {
    DataType dataType();

    int numBytes();

    QuantizationParams quantizationParams();

    class QuantizationParams {
        public float getScale() {
            throw new UnsupportedOperationException();
        }

        public int getZeroPoint() {
            throw new UnsupportedOperationException();
        }
    }
}
