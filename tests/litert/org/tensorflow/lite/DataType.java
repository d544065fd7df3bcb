package org.tensorflow.lite;

/** Signatures of LiteRT's class of this name, as far as the app uses it; they compute nothing. */
public enum DataType {
    FLOAT32,
    UINT8,
    INT8;

    public int byteSize() {
        throw new UnsupportedOperationException();
    }
}
