package org.cspineedge.core.builtin;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.cspineedge.core.KernelFamily;

/** A graph made ready to run: its kernels in order, and memory for its tensors, which is used again once it is free. */
final class Plan {
    private static final int CONV_OPTIONS = 1;
    private static final int DEPTHWISE_OPTIONS = 2;
    private static final int POOL_OPTIONS = 5;
    private static final int FULLY_CONNECTED_OPTIONS = 8;
    private static final int SOFTMAX_OPTIONS = 9;
    private static final int CONCATENATION_OPTIONS = 10;
    private static final int ADD_OPTIONS = 11;
    private static final int REDUCER_OPTIONS = 27;

    private final Graph graph;
    private final boolean single;
    private final Memory memory;
    private final boolean keepTensors;
    private final byte[][] contents;
    private final int[] lastUse;
    private final int[] realOf;
    private final List<byte[]> free = new ArrayList<>();
    private final byte[] input;
    private final int inputLength;
    private final Kernel[] kernels;
    private final Output[] outputs;
    private final int[][][] scratch;

    Plan(Graph graph, KernelFamily family, Memory memory, int threads, boolean keepTensors) throws GraphException {
        this.graph = graph;
        this.single = family == KernelFamily.XNNPACK;
        this.memory = memory;
        this.keepTensors = keepTensors;
        contents = new byte[graph.tensors().size()][];
        realOf = new int[contents.length];
        Arrays.fill(realOf, -1);
        lastUse = lastUse(graph);
        if (graph.inputs().length != 1) {
            throw GraphException.lacking(graph.inputs().length + " inputs");
        }
        Tensor input = graph.tensors().get(graph.inputs()[0]);
        if (input.type != Tensor.UINT8 || input.scales.length != 1) {
            throw GraphException.lacking("an input that is not quantised to uint8");
        }
        this.input = memory.bytes(input.length());
        this.inputLength = input.length();
        contents[graph.inputs()[0]] = this.input;
        kernels = makeKernels();
        outputs = new Output[graph.outputs().length];
        for (int i = 0; i < outputs.length; i++) {
            int index = graph.outputs()[i];
            int stored = realOf[index] < 0 ? index : realOf[index];
            outputs[i] = new Output(quantized(stored), content(stored), stored != index);
        }
        scratch = makeScratch(threads);
    }

    private static int[] lastUse(Graph graph) {
        int[] lastUse = new int[graph.tensors().size()];
        for (int i = 0; i < graph.operations().size(); i++) {
            Operation operation = graph.operations().get(i);
            for (int input : operation.inputs()) {
                if (input >= 0) {
                    boolean isReadLater = operation.code() == Operation.DEQUANTIZE;
                    lastUse[input] = isReadLater ? Integer.MAX_VALUE : Math.max(lastUse[input], i);
                }
            }
        }
        for (int output : graph.outputs()) {
            lastUse[output] = Integer.MAX_VALUE;
        }
        return lastUse;
    }

    private Kernel[] makeKernels() throws GraphException {
        List<Kernel> made = new ArrayList<>();
        for (int i = 0; i < graph.operations().size(); i++) {
            Operation operation = graph.operations().get(i);
            Kernel kernel = kernel(operation);
            if (kernel != null) {
                made.add(kernel);
            }
            for (int input : operation.inputs()) {
                boolean isComputed = input >= 0 && graph.tensors().get(input).data == null;
                if (isComputed && lastUse[input] == i && contents[input] != null && !keepTensors) {
                    free.add(contents[input]);
                    contents[input] = null;
                }
            }
        }
        return made.toArray(new Kernel[0]);
    }

    private int[][][] makeScratch(int threads) throws GraphException {
        int rows = 0;
        long length = 0;
        for (Kernel kernel : kernels) {
            rows = Math.max(rows, kernel.scratchRows());
            length = Math.max(length, kernel.scratchLength());
        }
        int[][][] made = new int[threads][][];
        for (int thread = 0; thread < threads; thread++) {
            made[thread] = memory.rows(rows, length);
        }
        return made;
    }

    private Kernel kernel(Operation operation) throws GraphException {
        switch (operation.code()) {
            case Operation.CONV_2D:
                return convolution(operation);
            case Operation.DEPTHWISE_CONV_2D:
                return depthwise(operation);
            case Operation.FULLY_CONNECTED:
                return fullyConnected(operation);
            case Operation.MAX_POOL_2D:
            case Operation.AVERAGE_POOL_2D:
                return pool(operation);
            case Operation.MEAN:
                return mean(operation);
            case Operation.ADD:
                return add(operation);
            case Operation.SOFTMAX:
                return softmax(operation);
            case Operation.LOGISTIC:
                return logistic(operation);
            case Operation.QUANTIZE:
                return quantize(operation);
            case Operation.DEQUANTIZE:
                return dequantize(operation);
            case Operation.CONCATENATION:
                return concatenation(operation);
            case Operation.PAD:
                return pad(operation);
            case Operation.RESHAPE:
            case Operation.SQUEEZE:
                return reshape(operation);
            default:
                throw GraphException.lacking(operation.name());
        }
    }

    private Kernel convolution(Operation operation) throws GraphException {
        FlatTable options = options(operation, CONV_OPTIONS);
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        Tensor filter = filter(input(operation, 1), 0);
        requireSides(filter, 4);
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
        requireEqual(filter.shape[0], output.shape[3]);
        return convolution(operation, geometry, options.int8(3, 0));
    }

    private Kernel convolution(Operation operation, Geometry geometry, int activation) throws GraphException {
        Tensor input = int8(input(operation, 0));
        Tensor filter = filter(input(operation, 1), 0);
        int outputIndex = output(operation);
        int channels = filter.shape[0];
        int[] bias = bias(operation, channels);
        Rescale rescale = rescale(operation, input, filter, int8(outputIndex), activation, channels);
        byte[] from = content(input(operation, 0));
        byte[] weights = constant(filter);
        byte[] to = allocate(outputIndex);
        int zero = input.zeroPoint;
        return PlanarConvolution.suits(geometry, channels)
                ? new PlanarConvolution(geometry, from, zero, weights, bias, rescale, to, memory)
                : new Convolution(geometry, from, zero, weights, bias, rescale, to, memory);
    }

    private Kernel depthwise(Operation operation) throws GraphException {
        FlatTable options = options(operation, DEPTHWISE_OPTIONS);
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        Tensor filter = filter(input(operation, 1), 3);
        requireSides(filter, 4);
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
        requireEqual(filter.shape[0], 1);
        requireEqual(filter.shape[3], output.shape[3]);
        if (output.shape[3] != geometry.channels()) {
            throw GraphException.lacking("DEPTHWISE_CONV_2D with several outputs a channel");
        }
        int[] bias = bias(operation, filter.shape[3]);
        Rescale rescale = rescale(operation, input, filter, output, options.int8(4, 0), filter.shape[3]);
        return new DepthwiseConvolution(
                geometry,
                content(input(operation, 0)),
                input.zeroPoint,
                constant(filter),
                bias,
                rescale,
                allocate(outputIndex),
                memory);
    }

    private Kernel fullyConnected(Operation operation) throws GraphException {
        FlatTable options = options(operation, FULLY_CONNECTED_OPTIONS);
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        Tensor filter = filter(input(operation, 1), 0);
        requireSides(filter, 2);
        if (options.int8(1, 0) != 0) {
            throw GraphException.lacking("FULLY_CONNECTED with shuffled weights");
        }
        int rows = input.length() / filter.shape[1];
        requireEqual(rows * filter.shape[1], input.length());
        requireEqual(rows * filter.shape[0], output.length());
        Geometry geometry = new Geometry(1, rows, filter.shape[1], 1, rows, 1, 1, 1, 1, 1, 1, 0, 0);
        return convolution(operation, geometry, options.int8(0, 0));
    }

    /** From sums of products to the output: input scale x weight scale / output scale, in either family's precision. */
    private Rescale rescale(
            Operation operation,
            Tensor input,
            Tensor filter,
            Tensor output,
            int activation,
            int channels)
            throws GraphException {
        int[] range = range(output, activation);
        if (single) {
            float[] factors = memory.floats(channels);
            for (int i = 0; i < channels; i++) {
                factors[i] = input.scale() * filter.scales[i % filter.scales.length] / output.scale();
            }
            return new Rescale.Single(factors, output.zeroPoint, range[0], range[1]);
        }
        double[] factors = new double[channels];
        for (int i = 0; i < channels; i++) {
            double scale = filter.scales[i % filter.scales.length];
            factors[i] = input.scale() * scale / output.scale();
        }
        if (operation.code() == Operation.FULLY_CONNECTED) {
            return new Rescale.Double(factors, output.zeroPoint, range[0], range[1]);
        }
        return new Rescale.Fixed(FixedPoint.of(factors), output.zeroPoint, range[0], range[1]);
    }

    private Kernel pool(Operation operation) throws GraphException {
        FlatTable options = options(operation, POOL_OPTIONS);
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        Geometry geometry = Geometry.of(
                input,
                output,
                options.int32(4, 0),
                options.int32(3, 0),
                options.int8(0, 0),
                options.int32(2, 0),
                options.int32(1, 0),
                1,
                1);
        requireEqual(output.shape[3], geometry.channels());
        requireSameScale(input, output, operation);
        int[] range = range(output, options.int8(5, 0));
        boolean average = operation.code() == Operation.AVERAGE_POOL_2D;
        byte[] from = content(input(operation, 0));
        return new Pool(geometry, average, from, allocate(outputIndex), range[0], range[1]);
    }

    private Kernel mean(Operation operation) throws GraphException {
        options(operation, REDUCER_OPTIONS);
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        int[] axes = numbers(input(operation, 1));
        for (int i = 0; i < axes.length; i++) {
            axes[i] += axes[i] < 0 ? 4 : 0;
        }
        Arrays.sort(axes);
        if (input.shape.length != 4 || input.shape[0] != 1 || !Arrays.equals(axes, new int[] {1, 2})) {
            throw GraphException.lacking("MEAN over other than height and width");
        }
        int channels = input.shape[3];
        requireEqual(output.length(), channels);
        int pixels = input.shape[1] * input.shape[2];
        byte[] from = content(input(operation, 0));
        Rescale rescale;
        if (single) {
            float[] factors = memory.floats(channels);
            Arrays.fill(factors, input.scale() / output.scale() * (1f / pixels));
            rescale = new Rescale.Single(factors, output.zeroPoint, -128, 127);
        } else {
            FixedPoint factor = FixedPoint.of((double) input.scale() / output.scale());
            int shift = Math.min(31 - Integer.numberOfLeadingZeros(pixels), 31 + factor.shift());
            int multiplier = (int) (((long) factor.multiplier() << shift) / pixels);
            FixedPoint[] factors = new FixedPoint[channels];
            Arrays.fill(factors, new FixedPoint(multiplier, factor.shift() - shift));
            rescale = new Rescale.Fixed(factors, output.zeroPoint, -128, 127);
        }
        return new Mean(from, input.zeroPoint, pixels, channels, rescale, allocate(outputIndex));
    }

    private Kernel add(Operation operation) throws GraphException {
        FlatTable options = options(operation, ADD_OPTIONS);
        Tensor a = int8(input(operation, 0));
        Tensor b = int8(input(operation, 1));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        if (!Arrays.equals(a.shape, b.shape)) {
            throw GraphException.lacking("ADD of unequal shapes");
        }
        requireEqual(a.length(), output.length());
        int[] range = range(output, options.int8(0, 0));
        Add.Sum sum = single && Add.isSingle(a, b, output)
                ? Add.single(a, b, output, range[0], range[1])
                : Add.fixed(a, b, output, range[0], range[1]);
        byte[] first = content(input(operation, 0));
        byte[] second = content(input(operation, 1));
        return new Add(first, second, allocate(outputIndex), output.length(), sum);
    }

    private Kernel softmax(Operation operation) throws GraphException {
        float beta = options(operation, SOFTMAX_OPTIONS).float32(0, 0);
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        requireEqual(input.length(), output.length());
        if (output.zeroPoint != -128 || output.scale() != 1f / 256 || !(beta > 0 && beta * input.scale() < 16)) {
            throw GraphException.lacking("SOFTMAX with these scales");
        }
        int length = input.fromLast(0);
        byte[] from = content(input(operation, 0));
        Softmax.Function function =
                single ? Softmax.table(input.scale(), beta) : Softmax.fixed(input.scale(), beta);
        return new Softmax(from, allocate(outputIndex), input.length() / length, length, function);
    }

    private Kernel logistic(Operation operation) throws GraphException {
        Tensor input = int8(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = int8(outputIndex);
        requireEqual(input.length(), output.length());
        byte[] from = content(input(operation, 0));
        return new Lookup(input, output, from, allocate(outputIndex), value -> {
            float x = input.scale() * (value - input.zeroPoint);
            if (single) {
                float y = x < 0
                        ? 1f / (1f + (float) Math.exp(-x))
                        : 1f - 1f / (1f + (float) Math.exp(x));
                return (int) Math.rint(y * (1f / output.scale())) + output.zeroPoint;
            }
            float y = 1f / (1f + (float) Math.exp(-x));
            return (int) Math.floor(y * (1f / output.scale()) + 0.5) + output.zeroPoint;
        });
    }

    private Kernel quantize(Operation operation) throws GraphException {
        int inputIndex = input(operation, 0);
        Tensor input = quantized(inputIndex);
        int outputIndex = output(operation);
        Tensor output = quantized(outputIndex);
        requireEqual(input.length(), output.length());
        byte[] from = content(inputIndex);
        float ratio = input.scale() / output.scale();
        if (single && input.type == output.type && ratio >= 1f / 256 && ratio <= 128) { // XNNPACK's qs8-vcvt
            int multiplier = (int) Math.rint(256f * ratio);
            return new Lookup(
                    input,
                    output,
                    from,
                    allocate(outputIndex),
                    value -> ((value - input.zeroPoint) * multiplier + 128 >> 8) + output.zeroPoint);
        }
        FixedPoint factor = FixedPoint.of((double) input.scale() / output.scale());
        return new Lookup(
                input,
                output,
                from,
                allocate(outputIndex),
                value -> factor.times(value - input.zeroPoint) + output.zeroPoint);
    }

    /** Needs no kernel: real values are made when they are asked for. */
    private Kernel dequantize(Operation operation) throws GraphException {
        int outputIndex = output(operation);
        boolean isOutput = false;
        for (int index : graph.outputs()) {
            isOutput |= index == outputIndex;
        }
        if (!isOutput || graph.tensors().get(outputIndex).type != Tensor.FLOAT32) {
            throw GraphException.lacking("real values within the graph");
        }
        int inputIndex = input(operation, 0);
        requireEqual(quantized(inputIndex).length(), graph.tensors().get(outputIndex).length());
        realOf[outputIndex] = inputIndex;
        return null;
    }

    private Kernel concatenation(Operation operation) throws GraphException {
        FlatTable options = options(operation, CONCATENATION_OPTIONS);
        int outputIndex = output(operation);
        Tensor output = quantized(outputIndex);
        int sides = output.shape.length;
        int axis = options.int32(0, 0);
        axis += axis < 0 ? sides : 0;
        if (axis < 0 || axis >= sides || options.int8(1, 0) != 0) {
            throw GraphException.broken("a concatenation along no side");
        }
        int inner = product(output.shape, axis + 1, sides);
        int runs = product(output.shape, 0, axis);
        int count = operation.inputs().length;
        byte[][] from = new byte[count][];
        int[] lengths = new int[count];
        long total = 0;
        for (int i = 0; i < count; i++) {
            Tensor input = quantized(input(operation, i));
            int[] expected = output.shape.clone();
            if (input.shape.length == sides) {
                expected[axis] = input.shape[axis];
            }
            if (!Arrays.equals(input.shape, expected)) {
                throw GraphException.broken("unequal shapes are concatenated");
            }
            requireSameScale(input, output, operation);
            from[i] = content(input(operation, i));
            lengths[i] = input.shape[axis] * inner;
            total += lengths[i];
        }
        requireEqual(total, output.shape[axis] * (long) inner);
        int[] starts = memory.ints(runs);
        for (int run = 0; run < runs; run++) {
            starts[run] = run * (int) total;
        }
        return new Copy(from, lengths, starts, allocate(outputIndex), output.length(), 0);
    }

    private Kernel pad(Operation operation) throws GraphException {
        Tensor input = quantized(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = quantized(outputIndex);
        int[] padding = numbers(input(operation, 1));
        requireSameScale(input, output, operation);
        requireSides(input, 4);
        requireSides(output, 4);
        requireEqual(padding.length, 8);
        for (int i = 0; i < 4; i++) {
            if (padding[2 * i] < 0 || padding[2 * i + 1] < 0) {
                throw GraphException.broken("a padding is negative");
            }
            requireEqual((long) padding[2 * i] + input.shape[i] + padding[2 * i + 1], output.shape[i]);
        }
        requireEqual(output.shape[0], 1);
        int[] starts = memory.ints((long) input.shape[1] * input.shape[2]);
        for (int i = 0; i < starts.length; i++) {
            int y = padding[2] + i / input.shape[2];
            int x = padding[4] + i % input.shape[2];
            starts[i] = (y * output.shape[2] + x) * output.shape[3] + padding[6];
        }
        byte[][] from = {content(input(operation, 0))};
        int[] lengths = {input.shape[3]};
        return new Copy(from, lengths, starts, allocate(outputIndex), output.length(), output.zeroPoint);
    }

    private Kernel reshape(Operation operation) throws GraphException {
        Tensor input = quantized(input(operation, 0));
        int outputIndex = output(operation);
        Tensor output = quantized(outputIndex);
        requireEqual(input.length(), output.length());
        requireSameScale(input, output, operation);
        byte[][] from = {content(input(operation, 0))};
        return new Copy(from, new int[] {input.length()}, new int[1], allocate(outputIndex), input.length(), 0);
    }

    /** Smallest and largest value to be stored behind an activation: none, ReLU, ReLU -1 to 1, ReLU 6. */
    private int[] range(Tensor output, int activation) throws GraphException {
        switch (activation) {
            case 0:
                return new int[] {output.lowest(), output.highest()};
            case 1:
                return new int[] {stored(output, 0), output.highest()};
            case 2:
                return new int[] {stored(output, -1), stored(output, 1)};
            case 3:
                return new int[] {stored(output, 0), stored(output, 6)};
            default:
                throw GraphException.lacking("activation function " + activation);
        }
    }

    private int stored(Tensor tensor, float real) {
        float steps = real / tensor.scale();
        double rounded = single ? Math.rint(steps) : Math.copySign(Math.floor(Math.abs(steps) + 0.5), steps);
        return (int) Math.min(Math.max(rounded + tensor.zeroPoint, tensor.lowest()), tensor.highest());
    }

    private static FlatTable options(Operation operation, int type) throws GraphException {
        if (operation.options() == null || operation.optionsType() != type) {
            throw GraphException.broken(operation.name() + " has no options");
        }
        return operation.options();
    }

    private static int input(Operation operation, int position) throws GraphException {
        if (position >= operation.inputs().length || operation.inputs()[position] < 0) {
            throw GraphException.broken(operation.name() + " lacks an input");
        }
        return operation.inputs()[position];
    }

    private static int output(Operation operation) throws GraphException {
        if (operation.outputs().length != 1) {
            throw GraphException.broken(operation.name() + " has not one output");
        }
        return operation.outputs()[0];
    }

    private Tensor quantized(int index) throws GraphException {
        Tensor tensor = graph.tensors().get(index);
        if (!tensor.isQuantized() || tensor.scales.length != 1) {
            throw GraphException.lacking("a tensor of another type than int8 and uint8");
        }
        if (tensor.zeroPoint < tensor.lowest() || tensor.zeroPoint > tensor.highest()) {
            throw GraphException.broken("a zero point is " + tensor.zeroPoint);
        }
        return tensor;
    }

    private Tensor int8(int index) throws GraphException {
        Tensor tensor = quantized(index);
        if (tensor.type != Tensor.INT8) {
            throw GraphException.lacking("arithmetic of another type than int8");
        }
        return tensor;
    }

    /** Weights of int8 with one scale, or one for each index of a side. */
    private Tensor filter(int index, int side) throws GraphException {
        Tensor tensor = graph.tensors().get(index);
        if (tensor.type != Tensor.INT8 || tensor.zeroPoint != 0 || tensor.data == null) {
            throw GraphException.lacking("weights that are not symmetric int8 constants");
        }
        boolean perChannel = side < tensor.shape.length
                && tensor.axis == side
                && tensor.scales.length == tensor.shape[side];
        if (tensor.scales.length != 1 && !perChannel) {
            throw GraphException.broken("weights have " + tensor.scales.length + " scales");
        }
        return tensor;
    }

    /** The bias of an operation, zeros if it has none. */
    private int[] bias(Operation operation, int channels) throws GraphException {
        if (operation.inputs().length < 3 || operation.inputs()[2] < 0) {
            return memory.ints(channels);
        }
        int[] bias = numbers(operation.inputs()[2]);
        requireEqual(bias.length, channels);
        return bias;
    }

    private int[] numbers(int index) throws GraphException {
        Tensor tensor = graph.tensors().get(index);
        if (tensor.type != Tensor.INT32 || tensor.data == null) {
            throw GraphException.lacking("numbers that are not constants of int32");
        }
        requireEqual(tensor.data.limit(), 4L * tensor.length());
        int[] numbers = memory.ints(tensor.length());
        tensor.data.duplicate().order(tensor.data.order()).asIntBuffer().get(numbers);
        return numbers;
    }

    private byte[] constant(Tensor tensor) throws GraphException {
        requireEqual(tensor.data.limit(), tensor.length());
        byte[] values = memory.bytes(tensor.length());
        ByteBuffer data = tensor.data.duplicate();
        data.get(values);
        return values;
    }

    private byte[] content(int index) throws GraphException {
        if (contents[index] == null && graph.tensors().get(index).data != null) {
            contents[index] = constant(graph.tensors().get(index));
        }
        if (contents[index] == null) {
            throw GraphException.lacking("real values within the graph");
        }
        return contents[index];
    }

    private byte[] allocate(int index) throws GraphException {
        int length = graph.tensors().get(index).length();
        byte[] best = null;
        for (byte[] candidate : free) {
            if (candidate.length >= length && (best == null || candidate.length < best.length)) {
                best = candidate;
            }
        }
        if (best == null) {
            best = memory.bytes(length);
        } else {
            free.remove(best);
        }
        contents[index] = best;
        return best;
    }

    private static int product(int[] shape, int from, int to) {
        int product = 1;
        for (int i = from; i < to; i++) {
            product *= shape[i];
        }
        return product;
    }

    private static void requireSides(Tensor tensor, int sides) throws GraphException {
        if (tensor.shape.length != sides) {
            throw GraphException.broken("a tensor has " + tensor.shape.length + " sides");
        }
    }

    private static void requireEqual(long one, long other) throws GraphException {
        if (one != other) {
            throw GraphException.broken("shapes contradict one another");
        }
    }

    private static void requireSameScale(Tensor one, Tensor other, Operation operation) throws GraphException {
        if (one.type != other.type || one.scale() != other.scale() || one.zeroPoint != other.zeroPoint) {
            throw GraphException.lacking(operation.name() + " between unequal scales");
        }
    }

    byte[] input() {
        return input;
    }

    int inputLength() {
        return inputLength;
    }

    Kernel[] kernels() {
        return kernels;
    }

    int[][][] scratch() {
        return scratch;
    }

    int outputs() {
        return outputs.length;
    }

    Output output(int position) {
        return outputs[position];
    }

    int tensors() {
        return contents.length;
    }

    byte[] tensor(int index) {
        return contents[index];
    }
}
