package org.cspineedge.core.builtin;

import com.sun.management.ThreadMXBean;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.TreeSet;
import org.cspineedge.core.KernelFamily;
import org.cspineedge.core.ModelException;
import org.cspineedge.core.ModelFile;

/**
 * Gives the builtin engine's answers to {@code tests/test_android_builtin.py} and
 * {@code benchmarks/android_interpreter.py}, which compare them with LiteRT's.
 *
 * <p>{@code VERB MODEL FAMILY THREADS ...}; binary files are big-endian. The verbs:
 *
 * <ul>
 *   <li>{@code outputs ... IN OUT}: runs the model on each input tensor of IN and writes all values of all outputs
 *       (float64);
 *   <li>{@code tensors ... IN OUT}: writes each computed tensor after each run: index (int32), length (int32), bytes;
 *       an index of -1 after the last of a run;
 *   <li>{@code refuse ...}: prints the sentence with which the model is refused;
 *   <li>{@code allocated ... IN}: prints the bytes that all threads allocate in 40 runs and readings, after 40 others;
 *   <li>{@code damage ... POSITIONS}: reads the graph with each bit flipped and cut at each length that POSITIONS names
 *       (int32: bits if 0 or more, -1 - length), runs what is not refused, and prints the sentences, counts first;
 *   <li>{@code serve ... IN}: for each line on standard input runs a block of 0.15 s, and prints its median time in ms.
 * </ul>
 */
final class LiteRtComparison {
    private static final int SETTLE = 3;
    private static final double BLOCK_MS = 150;

    private LiteRtComparison() {}

    public static void main(String[] arguments) throws IOException, ModelException {
        Locale.setDefault(Locale.GERMANY); // a phone has its own, and no number may depend on it
        ModelFile model = ModelFile.of(arguments[1], Files.readAllBytes(Path.of(arguments[1])));
        KernelFamily family = KernelFamily.valueOf(arguments[2].toUpperCase(Locale.ROOT));
        int threads = Integer.parseInt(arguments[3]);
        if (arguments[0].equals("damage")) {
            damage(model, family, arguments[4]);
            return;
        }
        boolean keepTensors = arguments[0].equals("tensors");
        ByteBuffer graph = model.graph();
        try (BuiltinEngine engine = BuiltinEngineFactory.open(model.name(), graph, family, threads, keepTensors)) {
            switch (arguments[0]) {
                case "outputs" -> outputs(engine, arguments[4], arguments[5]);
                case "tensors" -> tensors(engine, arguments[4], arguments[5]);
                case "allocated" -> allocated(engine, arguments[4]);
                case "serve" -> serve(engine, arguments[4]);
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        } catch (ModelException error) {
            if (!arguments[0].equals("refuse")) {
                throw error;
            }
            System.out.println(error.getMessage());
        }
    }

    private static void outputs(BuiltinEngine engine, String in, String to) throws IOException {
        byte[] inputs = Files.readAllBytes(Path.of(in));
        int length = engine.inputLength();
        try (DataOutputStream out = output(to)) {
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

    private static void tensors(BuiltinEngine engine, String in, String to) throws IOException {
        byte[] inputs = Files.readAllBytes(Path.of(in));
        int length = engine.inputLength();
        try (DataOutputStream out = output(to)) {
            for (int from = 0; from < inputs.length; from += length) {
                engine.run(Arrays.copyOfRange(inputs, from, from + length));
                for (int index = 0; index < engine.tensors(); index++) {
                    byte[] tensor = engine.tensor(index);
                    if (tensor != null) {
                        out.writeInt(index);
                        out.writeInt(tensor.length);
                        out.write(tensor);
                    }
                }
                out.writeInt(-1);
            }
        }
    }

    private static void allocated(BuiltinEngine engine, String in) throws IOException {
        byte[] input = Arrays.copyOf(Files.readAllBytes(Path.of(in)), engine.inputLength());
        ThreadMXBean bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] threads = bean.getAllThreadIds();
        long[] before = new long[0];
        double sum = 0;
        for (int run = 0; run < 80; run++) {
            if (run == 40) {
                before = bean.getThreadAllocatedBytes(threads);
            }
            engine.run(input);
            sum += engine.output(0, 0);
        }
        long[] after = bean.getThreadAllocatedBytes(threads);
        long bytes = 0;
        for (int i = 0; i < threads.length; i++) {
            bytes += after[i] - before[i];
        }
        bytes -= own(bean);
        System.out.println(bytes + " " + sum);
    }

    /** What measuring allocates itself. */
    private static long own(ThreadMXBean bean) {
        long[] threads = bean.getAllThreadIds();
        int me = 0;
        while (threads[me] != Thread.currentThread().getId()) {
            me++;
        }
        long[] before = bean.getThreadAllocatedBytes(threads);
        long[] after = bean.getThreadAllocatedBytes(threads);
        return after[me] - before[me];
    }

    private static void damage(ModelFile model, KernelFamily family, String positions) throws IOException {
        byte[] graph = new byte[model.graph().remaining()];
        model.graph().get(graph);
        TreeSet<String> sentences = new TreeSet<>();
        int refused = 0;
        int run = 0;
        try (DataInputStream in = new DataInputStream(Files.newInputStream(Path.of(positions)))) {
            while (in.available() > 0) {
                int position = in.readInt();
                byte[] damaged = Arrays.copyOf(graph, position < 0 ? -1 - position : graph.length);
                if (position >= 0) {
                    damaged[position / 8] ^= (byte) (1 << position % 8);
                }
                ByteBuffer bytes = ByteBuffer.wrap(damaged).order(ByteOrder.LITTLE_ENDIAN);
                try (BuiltinEngine engine = BuiltinEngineFactory.open(model.name(), bytes, family, 1, false)) {
                    engine.run(new byte[engine.inputLength()]);
                    run++;
                } catch (ModelException error) {
                    sentences.add(error.getMessage());
                    refused++;
                }
            }
        }
        System.out.println(refused + " " + run);
        sentences.forEach(System.out::println);
    }

    private static void serve(BuiltinEngine engine, String in) throws IOException {
        byte[] input = Arrays.copyOf(Files.readAllBytes(Path.of(in)), engine.inputLength());
        for (int i = 0; i < 300; i++) {
            engine.run(input); // until HotSpot has compiled it
        }
        System.out.println(System.getProperty("java.version"));
        double[] times = new double[100_000];
        while (System.in.read() >= 0) {
            for (int i = 0; i < SETTLE; i++) {
                engine.run(input);
            }
            int count = 0;
            for (double sum = 0; sum < BLOCK_MS; sum += times[count++]) {
                long begun = System.nanoTime();
                engine.run(input);
                times[count] = (System.nanoTime() - begun) / 1e6;
            }
            Arrays.sort(times, 0, count);
            System.out.println(times[count / 2]);
        }
    }

    private static DataOutputStream output(String path) throws IOException {
        return new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(Path.of(path))));
    }
}
