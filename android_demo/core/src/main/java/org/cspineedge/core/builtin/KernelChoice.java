package org.cspineedge.core.builtin;

import org.cspineedge.core.KernelFamily;

/** Which kernel computes an operation: all operations that are built here. */
final class KernelChoice {
    private KernelChoice() {}

    static Kernel of(Operands operands, KernelFamily family) throws GraphException {
        Operation operation = operands.operation();
        switch (operation.code()) {
            case Operation.CONV_2D:
                return ConvolutionChoice.convolution(operands, family);
            case Operation.DEPTHWISE_CONV_2D:
                return ConvolutionChoice.depthwise(operands, family);
            case Operation.FULLY_CONNECTED:
                return ConvolutionChoice.fullyConnected(operands, family);
            case Operation.MAX_POOL_2D:
                return Pool.of(operands, false, family);
            case Operation.AVERAGE_POOL_2D:
                return Pool.of(operands, true, family);
            case Operation.MEAN:
                return Mean.of(operands, family);
            case Operation.ADD:
                return Add.of(operands, family);
            case Operation.SOFTMAX:
                return Softmax.of(operands, family);
            case Operation.LOGISTIC:
                return Lookup.logistic(operands, family);
            case Operation.QUANTIZE:
                return Lookup.quantize(operands, family);
            case Operation.CONCATENATION:
                return Copy.concatenation(operands);
            case Operation.PAD:
                return Copy.pad(operands);
            case Operation.RESHAPE:
            case Operation.SQUEEZE:
                return Copy.reshape(operands);
            default:
                throw GraphException.lacking(operation.name());
        }
    }
}
