package org.cspineedge.core;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.zip.DataFormatException;
import org.cspineedge.core.builtin.BuiltinEngineFactory;

/**
 * Gives the answers of the services to {@code tests/test_android_services.py}, which compares them with the toolkit's.
 *
 * <p>Binary files are big-endian; pictures are int32 width, int32 height, pixels. An engine is {@code builtin}, or
 * {@code RUNTIME=FILE}, the file a recording of what LiteRT gave: int32 number of outputs; of each int32 length, float32 scale, int32 zero
 * point; then any number of input tensors with their outputs in float64. The verbs:
 *
 * <ul>
 *   <li>{@code greys IN OUT}: pictures of int32 pixels to grey levels, one picture after the other;
 *   <li>{@code png OUT PNG...}: images of PNGs; prints file and sentence of those that are refused;
 *   <li>{@code percentiles TIMES PERCENT...}: of int64 times, for each length of them from the first on: percentile and
 *       ranks of its interval, 0 if there is none, as int64;
 *   <li>{@code json}: reads JSON from standard input, and writes it again;
 *   <li>{@code readings ROOT}: the objects {@code Readings} and {@code Machine} of a board;
 *   <li>{@code classify MODEL FAMILY ENGINE THRESHOLD IN OUT}: images to position of the label and of the referral
 *       (uint8), margin and score (float64); the threshold is a number or {@code contract};
 *   <li>{@code self-test MODEL MACHINE ENGINE...}: engines that are recorded as FAMILY:ENGINE; the report's JSON, and its lines to standard error;
 *   <li>{@code bench MODEL FAMILY ENGINE SECONDS}: the report's JSON;
 *   <li>{@code history MODEL FAMILY ENGINE CSV JSON SOURCE...}: classifies the first golden input for each source.
 * </ul>
 */
final class ServiceComparison {
    private ServiceComparison() {}

    public static void main(String[] arguments) throws IOException, ModelException, JsonException {
        Locale.setDefault(new Locale("ar", "EG")); // digits of another script, where a number is formatted carelessly
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        List<String> rest = List.of(arguments).subList(1, arguments.length);
        switch (arguments[0]) {
            case "greys" -> greys(rest.get(0), rest.get(1));
            case "png" -> pngs(rest.get(0), rest.subList(1, rest.size()));
            case "percentiles" -> percentiles(rest.get(0), rest.subList(1, rest.size()));
            case "json" -> System.out.println(JsonText.of(Json.parse(System.in.readAllBytes())));
            case "readings" -> readings(new SystemFiles(new File(rest.get(0))));
            case "classify" -> classify(rest);
            case "self-test" -> selfTest(rest);
            case "bench" -> bench(rest);
            case "history" -> history(rest);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void greys(String in, String out) throws IOException {
        try (DataInputStream pictures = input(in);
                DataOutputStream levels = output(out)) {
            while (true) {
                int width = pictures.readInt();
                int height = pictures.readInt();
                int[] argb = new int[width * height];
                ByteBuffer.wrap(pictures.readNBytes(4 * argb.length)).asIntBuffer().get(argb);
                levels.write(Greys.fromArgb(argb, width, height).pixels());
            }
        } catch (EOFException end) {
            // all of them are read
        }
    }

    private static void pngs(String out, List<String> paths) throws IOException {
        try (DataOutputStream images = output(out)) {
            for (String path : paths) {
                try {
                    GreyImage image = GreyPng.decode(Files.readAllBytes(Path.of(path)));
                    images.writeInt(image.width());
                    images.writeInt(image.height());
                    images.write(image.pixels());
                } catch (DataFormatException error) {
                    System.out.println(path + "\t" + error.getMessage());
                }
            }
        }
    }

    private static void percentiles(String times, List<String> percents) throws IOException {
        byte[] content = Files.readAllBytes(Path.of(times));
        long[] sorted = new long[content.length / 8];
        ByteBuffer.wrap(content).asLongBuffer().get(sorted);
        for (int runs = 1; runs <= sorted.length; runs++) {
            long[] some = Arrays.copyOf(sorted, runs);
            for (String percent : percents) {
                double share = Double.parseDouble(percent);
                Optional<Percentiles.Ranks> ranks = Percentiles.intervalRanks(runs, share);
                System.out.println(Percentiles.percentile(some, share) + " "
                        + ranks.map(Percentiles.Ranks::lower).orElse(0) + " "
                        + ranks.map(Percentiles.Ranks::upper).orElse(0));
            }
        }
    }

    private static void readings(SystemFiles files) {
        Device device = new Device("Phone", Optional.of("Chip"), "aarch64", "Android 15");
        System.out.println(JsonText.of(List.of(new Readings(files).fields(), device.fields(files))));
    }

    private static void classify(List<String> arguments) throws IOException, ModelException {
        List<String> labels = model(arguments.get(0)).contract().labels();
        try (SliceClassifier classifier = classifier(arguments);
                DataInputStream in = input(arguments.get(4));
                DataOutputStream out = output(arguments.get(5))) {
            if (!arguments.get(3).equals("contract")) {
                classifier.setThreshold(Double.parseDouble(arguments.get(3)));
            }
            while (true) {
                int width = in.readInt();
                int height = in.readInt();
                GreyImage image = new GreyImage(width, height, in.readNBytes(width * height));
                Verdict verdict = classifier.classify(image).verdict();
                out.writeByte(labels.indexOf(verdict.label()));
                out.writeByte(verdict.referral().ordinal());
                out.writeDouble(verdict.margin());
                out.writeDouble(verdict.score());
            }
        } catch (EOFException end) {
            // all of them are classified
        }
    }

    private static void selfTest(List<String> arguments) throws IOException, ModelException {
        List<EngineFactory> factories = new ArrayList<>();
        for (String engine : arguments.subList(2, arguments.size())) {
            int colon = engine.indexOf(':');
            factories.add(colon < 0
                    ? new BuiltinEngineFactory()
                    : factory(engine.substring(colon + 1), family(engine.substring(0, colon))));
        }
        SelfTestReport report = SelfTest.run(model(arguments.get(0)), factories, 1, arguments.get(1));
        System.out.println(report.toJson());
        report.lines().forEach(System.err::println);
    }

    private static void bench(List<String> arguments) throws IOException, ModelException {
        Device device = new Device("Maker Phone 1", Optional.of("Chip 9"), "aarch64", "Android 15");
        double seconds = Double.parseDouble(arguments.get(3));
        try (SliceClassifier classifier = classifier(arguments)) {
            System.out.println(Bench.run(classifier, device, "0.1.0", seconds, share -> {}, () -> false)
                    .get()
                    .toJson());
        }
    }

    private static void history(List<String> arguments) throws IOException, ModelException {
        History history = new History();
        try (SliceClassifier classifier = classifier(arguments)) {
            ModelFile model = classifier.model();
            GreyImage image = SelfTest.goldenImage(model, model.contract().golden().get(0));
            List<String> sources = arguments.subList(5, arguments.size());
            for (int i = 0; i < sources.size(); i++) {
                history.add(1_800_000_000_000L + 1000L * i, sources.get(i), classifier.classify(image), classifier);
            }
        }
        Files.write(Path.of(arguments.get(3)), history.toCsv().getBytes(StandardCharsets.UTF_8));
        Files.write(Path.of(arguments.get(4)), history.toJson().getBytes(StandardCharsets.UTF_8));
    }

    private static SliceClassifier classifier(List<String> arguments) throws IOException, ModelException {
        KernelFamily family = family(arguments.get(1));
        return new SliceClassifier(model(arguments.get(0)), factory(arguments.get(2), family), family, 1);
    }

    private static ModelFile model(String path) throws IOException, ModelException {
        return ModelFile.of(new File(path).getName(), Files.readAllBytes(Path.of(path)));
    }

    private static KernelFamily family(String key) {
        return KernelFamily.valueOf(key.toUpperCase(Locale.ROOT));
    }

    private static EngineFactory factory(String engine, KernelFamily family) throws IOException {
        if (engine.equals(BuiltinEngineFactory.RUNTIME)) {
            return new BuiltinEngineFactory();
        }
        int equals = engine.indexOf('=');
        List<Quantization> quantizations = new ArrayList<>();
        Map<ByteBuffer, double[][]> recorded = new HashMap<>();
        try (DataInputStream in = input(engine.substring(equals + 1))) {
            int[] lengths = new int[in.readInt()];
            for (int i = 0; i < lengths.length; i++) {
                lengths[i] = in.readInt();
                quantizations.add(new Quantization(in.readFloat(), in.readInt()));
            }
            while (true) {
                ByteBuffer tensor = ByteBuffer.wrap(in.readNBytes(in.readInt()));
                double[][] outputs = new double[lengths.length][];
                for (int i = 0; i < lengths.length; i++) {
                    outputs[i] = new double[lengths[i]];
                    ByteBuffer.wrap(in.readNBytes(8 * lengths[i])).asDoubleBuffer().get(outputs[i]);
                }
                recorded.put(tensor, outputs);
            }
        } catch (EOFException end) {
            // all of it is read
        }
        return new ToldEngine.Factory(engine.substring(0, equals), List.of(family), quantizations, input -> {
            double[][] outputs = recorded.get(ByteBuffer.wrap(input));
            if (outputs == null) {
                throw new IllegalStateException("LiteRT was not shown this input tensor");
            }
            return outputs;
        });
    }

    private static DataInputStream input(String path) throws IOException {
        return new DataInputStream(new BufferedInputStream(Files.newInputStream(Path.of(path))));
    }

    private static DataOutputStream output(String path) throws IOException {
        return new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(Path.of(path))));
    }
}
