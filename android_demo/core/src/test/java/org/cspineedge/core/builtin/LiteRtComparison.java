package org.cspineedge.core.builtin;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;

/**
 * Gives the builtin engine's answers to {@code tests/test_android_builtin.py} and
 * {@code benchmarks/android_interpreter.py}, which compare them with LiteRT's.
 *
 * <p>The verbs:
 *
 * <ul>
 *   <li>{@code outputs MODEL FAMILY THREADS IN OUT}: runs the model on each input tensor of IN; writes all values of all
 *       outputs (float64, big-endian) of each;
 *   <li>{@code tensors MODEL FAMILY THREADS IN OUT}: writes every computed tensor after each run: index and length
 *       (int32, big-endian), stored bytes;
 * </ul>
 */
final class LiteRtComparison {
    private LiteRtComparison() {}

    public static void main(String[] arguments) throws IOException, ModelException {
        Locale.setDefault(Locale.GERMANY);
        switch (arguments[0]) {
            case "outputs" -> outputs(arguments);
            case "tensors" -> tensors(arguments);
            case "time" -> time(arguments);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static BuiltinEngine open(String[] arguments, boolean keepTensors) throws IOException, ModelException {
        KernelFamily family = KernelFamily.valueOf(arguments[2].toUpperCase(Locale.ROOT));
        ModelFile model = ModelFile.of(arguments[1], Files.readAllBytes(Path.of(arguments[1])));
        return BuiltinEngineFactory.open(model, family, Integer.parseInt(arguments[3]), keepTensors);
    }

    private static void outputs(String[] arguments) throws IOException, ModelException {
        byte[] inputs = Files.readAllBytes(Path.of(arguments[4]));
        try (BuiltinEngine engine = open(arguments, false);
                DataOutputStream out = output(arguments[5])) {
            int length = Integer.parseInt(arguments[6]);
            for (int from = 0; from < inputs.length; from += length) {
                engine.run(Arrays.copyOfRange(inputs, from, from + length));
                for (int position = 0; position < engine.outputs(); position++) {
                    for (int index = 0; index < engine.outputLength(position); index++) {
                        out.writeDouble(engine.output(position, index));
                    }
                }
            }
        }
    }

    private static void tensors(String[] arguments) throws IOException, ModelException {
        byte[] inputs = Files.readAllBytes(Path.of(arguments[4]));
        try (BuiltinEngine engine = open(arguments, true);
                DataOutputStream out = output(arguments[5])) {
            int length = Integer.parseInt(arguments[6]);
            int count = Integer.parseInt(arguments[7]);
            for (int from = 0; from < inputs.length; from += length) {
                engine.run(Arrays.copyOfRange(inputs, from, from + length));
                for (int index = 0; index < count; index++) {
                    byte[] tensor = engine.tensor(index);
                    if (tensor != null) {
                        out.writeInt(index);
                        out.writeInt(tensor.length);
                        out.write(tensor);
                    }
                }
            }
        }
    }

    private static void time(String[] arguments) throws IOException, ModelException {
        try (BuiltinEngine engine = open(arguments, false)) {
            byte[] inputs = Files.readAllBytes(Path.of(arguments[4]));
            byte[] input = Arrays.copyOf(inputs, Integer.parseInt(arguments[6]));
            for (int block = 0; block < 12; block++) {
                double[] t = new double[40];
                for (int i = 0; i < t.length; i++) {
                    long start = System.nanoTime();
                    engine.run(input);
                    t[i] = (System.nanoTime() - start) / 1e6;
                }
                Arrays.sort(t);
                System.out.println("median " + t[20] + " min " + t[0]);
            }
        }
    }

    private static DataOutputStream output(String path) throws IOException {
        return new DataOutputStream(new BufferedOutputStream(new FileOutputStream(path)));
    }
}
