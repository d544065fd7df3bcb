package org.cspineedge.core.builtin;

import org.cspineedge.core.KernelFamily;

/**
 * An activation function that an operation has built in: stored values are clamped.
 *
 * @param low smallest value to be stored
 * @param high largest
 */
record ActivationRange(int low, int high) {
    /** Of the schema's functions: none, ReLU, ReLU -1 to 1, ReLU 6. */
    static ActivationRange of(int activation, Tensor output, KernelFamily family) throws GraphException {
        switch (activation) {
            case 0:
                return new ActivationRange(output.lowest(), output.highest());
            case 1:
                return new ActivationRange(stored(0, output, family), output.highest());
            case 2:
                return new ActivationRange(stored(-1, output, family), stored(1, output, family));
            case 3:
                return new ActivationRange(stored(0, output, family), stored(6, output, family));
            default:
                throw GraphException.lacking("activation function " + activation);
        }
    }

    private static int stored(float real, Tensor output, KernelFamily family) {
        float steps = real / output.scale();
        double rounded = family == KernelFamily.XNNPACK
                ? Math.rint(steps)
                : Math.copySign(Math.floor(Math.abs(steps) + 0.5), steps);
        return (int) Math.min(Math.max(rounded + output.zeroPoint, output.lowest()), output.highest());
    }
}
