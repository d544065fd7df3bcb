package org.cspineedge.core.builtin;

import org.cspineedge.core.Quantization;

/**
 * An output of the graph.
 *
 * @param tensor the integers it is stored as, or is dequantised from
 * @param content their memory
 * @param isReal whether the graph gives real values, dequantised
 */
record Output(Tensor tensor, byte[] content, boolean isReal) {
    int length() {
        return tensor.length();
    }

    Quantization quantization() {
        return isReal ? new Quantization(0, 0) : new Quantization(tensor.scale(), tensor.zeroPoint);
    }

    double value(int index) {
        if (index >= tensor.length()) {
            throw new IndexOutOfBoundsException("no value " + index);
        }
        int stored = tensor.type == Tensor.INT8 ? content[index] : content[index] & 0xFF;
        return isReal ? (float) (stored - tensor.zeroPoint) * tensor.scale() : stored;
    }
}
