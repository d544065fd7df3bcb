package org.cspineedge.core;

/**
 * How a tensor stores real values: {@code real = (stored - zeroPoint) * scale}.
 *
 * @param scale real value of one step; 0 if values are stored as they are
 * @param zeroPoint stored value that stands for 0
 */
public record Quantization(float scale, int zeroPoint) {
    /**
     * Real value of a stored one, exact to the last bit.
     *
     * @param stored the stored value, widened with regard to its sign: uint8 is 0 to 255, int8 is -128 to 127
     */
    public double dequantize(int stored) {
        return scale == 0 ? stored : (double) (stored - zeroPoint) * scale;
    }
}
