package org.cspineedge.app;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.cspineedge.core.Engine;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.ModelFile;
import org.cspineedge.core.Quantization;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
import org.tensorflow.lite.TensorFlowLite;

/** A model in LiteRT's interpreter. Input and outputs lie in direct buffers that are used again and again. */
final class LiteRtEngine implements Engine {
    private final KernelFamily family;
    private final int threads;
    private final Interpreter interpreter;
    private final ByteBuffer input;
    private final Object[] inputs;
    private final ByteBuffer[] buffers;
    private final Map<Integer, Object> outputs = new HashMap<>();
    private final DataType[] types;
    private final Quantization[] quantizations;

    /** @throws IllegalArgumentException if LiteRT refuses the model, or its input is not one of bytes */
    LiteRtEngine(ModelFile model, KernelFamily family, int threads) {
        this.family = family;
        this.threads = threads;
        ByteBuffer graph = model.graph();
        ByteBuffer direct = ByteBuffer.allocateDirect(graph.remaining()).order(ByteOrder.nativeOrder());
        direct.put(graph).rewind(); // held by the interpreter as long as it lives
        Interpreter.Options options = new Interpreter.Options();
        options.setNumThreads(threads);
        options.setUseXNNPACK(family == KernelFamily.XNNPACK);
        interpreter = new Interpreter(direct, options);
        int positions = interpreter.getOutputTensorCount();
        buffers = new ByteBuffer[positions];
        types = new DataType[positions];
        quantizations = new Quantization[positions];
        Tensor given = interpreter.getInputTensor(0);
        if (interpreter.getInputTensorCount() != 1 || given.dataType() != DataType.UINT8) {
            interpreter.close();
            throw new IllegalArgumentException("it takes something else than one tensor of bytes");
        }
        input = buffer(given);
        inputs = new Object[] {input};
        for (int position = 0; position < positions; position++) {
            Tensor tensor = interpreter.getOutputTensor(position);
            Tensor.QuantizationParams scale = tensor.quantizationParams();
            types[position] = tensor.dataType();
            buffers[position] = buffer(tensor);
            quantizations[position] = new Quantization(scale.getScale(), scale.getZeroPoint());
            outputs.put(position, buffers[position]);
        }
    }

    private static ByteBuffer buffer(Tensor tensor) {
        return ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder());
    }

    @Override
    public String runtime() {
        return LiteRtEngineFactory.RUNTIME;
    }

    @Override
    public String version() {
        return TensorFlowLite.runtimeVersion();
    }

    @Override
    public KernelFamily family() {
        return family;
    }

    @Override
    public int threads() {
        return threads;
    }

    @Override
    public void run(byte[] values) {
        if (values.length != input.capacity()) {
            throw new IllegalArgumentException("the input has " + input.capacity() + " bytes, not " + values.length);
        }
        input.clear();
        input.put(values).rewind();
        for (ByteBuffer buffer : buffers) {
            buffer.clear();
        }
        interpreter.runForMultipleInputsOutputs(inputs, outputs);
    }

    @Override
    public int outputs() {
        return buffers.length;
    }

    @Override
    public int outputLength(int position) {
        return buffers[position].capacity() / types[position].byteSize();
    }

    @Override
    public Quantization outputQuantization(int position) {
        return quantizations[position];
    }

    @Override
    public double output(int position, int index) {
        ByteBuffer buffer = buffers[position];
        return switch (types[position]) {
            case UINT8 -> buffer.get(index) & 0xFF;
            case INT8 -> buffer.get(index);
            case FLOAT32 -> buffer.getFloat(4 * index);
            default -> throw new IllegalArgumentException("its outputs are of type " + types[position]);
        };
    }

    @Override
    public void close() {
        interpreter.close();
    }
}
