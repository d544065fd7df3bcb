package org.cspineedge.core.builtin;

import org.cspineedge.core.KernelFamily;

/** Kernels of the operations with weights, which are sums of products, rescaled. */
final class ConvolutionChoice {
    private static final int CONVOLUTION_OPTIONS = 1;
    private static final int DEPTHWISE_OPTIONS = 2;
    private static final int FULLY_CONNECTED_OPTIONS = 8;

    private ConvolutionChoice() {}

    static Kernel convolution(Operands operands, KernelFamily family) throws GraphException {
        FlatTable options = operands.options(CONVOLUTION_OPTIONS);
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        Tensor filter = operands.filter(0);
        Shapes.requireSides(filter, 4);
        Geometry geometry = Geometry.of(
                input,
                output,
                filter.shape[1],
                filter.shape[2],
                options.int8(0, 0),
                options.int32(2, 0),
                options.int32(1, 0),
                options.int32(5, 1),
                options.int32(4, 1));
        if (filter.shape[3] != geometry.channels()) {
            throw GraphException.lacking("CONV_2D in groups");
        }
        Shapes.requireEqual(filter.shape[0], output.shape[3]);
        return convolution(operands, geometry, options.int8(3, 0), family);
    }

    /** As a convolution of 1 x 1 over a column of pixels. */
    static Kernel fullyConnected(Operands operands, KernelFamily family) throws GraphException {
        FlatTable options = operands.options(FULLY_CONNECTED_OPTIONS);
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        Tensor filter = operands.filter(0);
        Shapes.requireSides(filter, 2);
        if (options.int8(1, 0) != 0) {
            throw GraphException.lacking("FULLY_CONNECTED with shuffled weights");
        }
        int rows = input.length() / filter.shape[1];
        Shapes.requireEqual(rows * filter.shape[1], input.length());
        Shapes.requireEqual(rows * filter.shape[0], output.length());
        Geometry geometry = new Geometry(1, rows, filter.shape[1], 1, rows, 1, 1, 1, 1, 1, 1, 0, 0);
        return convolution(operands, geometry, options.int8(0, 0), family);
    }

    private static Kernel convolution(Operands operands, Geometry geometry, int activation, KernelFamily family)
            throws GraphException {
        Tensor filter = operands.filter(0);
        int channels = filter.shape[0];
        int[] bias = operands.bias(channels);
        Rescale rescale = rescale(operands, filter, activation, channels, family);
        byte[] from = operands.content(0);
        int zero = operands.int8(0).zeroPoint;
        Memory memory = operands.memory();
        byte[] weights = filter.bytes(memory);
        byte[] to = operands.allocateOutput();
        return PlanarConvolution.suits(geometry, channels)
                ? new PlanarConvolution(geometry, from, zero, weights, bias, rescale, to, memory)
                : new Convolution(geometry, from, zero, weights, bias, rescale, to, memory);
    }

    static Kernel depthwise(Operands operands, KernelFamily family) throws GraphException {
        FlatTable options = operands.options(DEPTHWISE_OPTIONS);
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        Tensor filter = operands.filter(3);
        Shapes.requireSides(filter, 4);
        Geometry geometry = Geometry.of(
                input,
                output,
                filter.shape[1],
                filter.shape[2],
                options.int8(0, 0),
                options.int32(2, 0),
                options.int32(1, 0),
                options.int32(6, 1),
                options.int32(5, 1));
        int channels = filter.shape[3];
        Shapes.requireEqual(filter.shape[0], 1);
        Shapes.requireEqual(channels, output.shape[3]);
        if (channels != geometry.channels()) {
            throw GraphException.lacking("DEPTHWISE_CONV_2D with several outputs a channel");
        }
        int[] bias = operands.bias(channels);
        Rescale rescale = rescale(operands, filter, options.int8(4, 0), channels, family);
        byte[] from = operands.content(0);
        Memory memory = operands.memory();
        byte[] weights = filter.bytes(memory);
        byte[] to = operands.allocateOutput();
        return new DepthwiseConvolution(geometry, from, input.zeroPoint, weights, bias, rescale, to, memory);
    }

    /** From sums of products to the output: input scale x weight scale / output scale, in either family's precision. */
    private static Rescale rescale(Operands operands, Tensor filter, int activation, int channels, KernelFamily family)
            throws GraphException {
        Tensor input = operands.int8(0);
        Tensor output = operands.int8Output();
        ActivationRange range = ActivationRange.of(activation, output, family);
        if (family == KernelFamily.XNNPACK) {
            float[] factors = operands.memory().floats(channels);
            for (int i = 0; i < channels; i++) {
                factors[i] = input.scale() * filter.scales[i % filter.scales.length] / output.scale();
            }
            return new Rescale.Single(factors, output.zeroPoint, range.low(), range.high());
        }
        double[] factors = new double[channels];
        for (int i = 0; i < channels; i++) {
            double scale = filter.scales[i % filter.scales.length];
            factors[i] = input.scale() * scale / output.scale();
        }
        if (operands.operation().code() == Operation.FULLY_CONNECTED) {
            return new Rescale.Double(factors, output.zeroPoint, range.low(), range.high());
        }
        return new Rescale.Fixed(FixedPoint.of(factors), output.zeroPoint, range.low(), range.high());
    }
}
