package org.cspineedge.core;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Gives the core's answers to {@code tests/test_android_core.py}, which compares them with the toolkit's.
 *
 * <p>Binary files are big-endian. The verbs:
 *
 * <ul>
 *   <li>{@code tensors HEIGHT WIDTH CHANNELS IN OUT}: images (int32 width, int32 height, levels) to input tensors;
 *   <li>{@code contract MODEL...}: the fields of each contract, or the kind of error and the sentence with which the
 *       file is refused, as lines of file, name and value between tabs;
 *   <li>{@code damage MODEL OUT}: reads the file with each of its bits flipped, and cut at each length; writes the bits
 *       (uint32) and lengths (uint32, after a separating 2^32-1) that are not refused; prints the sentences;
 *   <li>{@code decide MODEL SCALE ZEROPOINT IN OUT}: pairs of logits, float64 if the scale is 0, else uint8, to label
 *       position (uint8), position among the referrals (uint8), margin and score (float64).
 * </ul>
 */
final class ToolkitComparison {
    private ToolkitComparison() {}

    public static void main(String[] arguments) throws IOException, ModelException {
        Locale.setDefault(Locale.GERMANY); // a phone has its own, and no number may depend on it
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        switch (arguments[0]) {
            case "tensors" -> tensors(arguments);
            case "contract" -> contracts(List.of(arguments).subList(1, arguments.length));
            case "damage" -> damage(Path.of(arguments[1]), Path.of(arguments[2]));
            case "decide" -> decide(arguments);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void tensors(String[] arguments) throws IOException {
        Preprocessor preprocessor = new Preprocessor(new Preprocessing(
                Integer.parseInt(arguments[1]),
                Integer.parseInt(arguments[2]),
                Integer.parseInt(arguments[3]),
                Optional.empty(),
                0,
                1));
        try (DataInputStream in = input(arguments[4]);
                DataOutputStream out = output(arguments[5])) {
            while (in.available() > 0) {
                int width = in.readInt();
                int height = in.readInt();
                out.write(preprocessor.tensor(new GreyImage(width, height, in.readNBytes(width * height))));
            }
        }
    }

    private static void contracts(List<String> models) throws IOException {
        for (String path : models) {
            try (var stream = Files.newInputStream(Path.of(path))) {
                print(ModelFile.read(path, stream));
            } catch (ModelException error) {
                System.out.println(path + "\t" + error.getClass().getSimpleName() + "\t" + error.getMessage());
            }
        }
    }

    private static void print(ModelFile model) throws ContractException {
        Contract contract = model.contract();
        Preprocessing spec = contract.preprocessing();
        Map<String, Object> fields = new TreeMap<>();
        fields.put("graph", model.graph().remaining());
        fields.put("size", spec.height() + " " + spec.width() + " " + spec.channels());
        fields.put("range", spec.low() + " " + spec.high());
        fields.put(
                "window",
                spec.window().map(w -> w.center() + " " + w.width() + " " + w.function()).orElse("none"));
        fields.put("outputs", contract.outputs().logits() + " " + contract.outputs().probability().orElse(-1));
        fields.put("labels", String.join(", ", contract.labels()));
        fields.put("positive", contract.positiveIndex() + " " + contract.positive());
        fields.put("threshold", contract.threshold().logit() + " " + contract.threshold().cases());
        fields.put("method", contract.threshold().method());
        fields.put("temperature", contract.temperature());
        fields.put("abstention", contract.abstention().map(ToolkitComparison::describe).orElse("none"));
        fields.put("sha256", contract.graphSha256());
        fields.put("use", contract.intendedUse());
        fields.put(
                "provenance",
                contract.provenance()
                        .map(origin -> origin.backbone() + " " + origin.precision() + " " + origin.inFloat())
                        .orElse("none"));
        fields.put(
                "parity",
                contract.parity().map(found -> found.verdict() + ": " + found.reason()).orElse("none"));
        for (GoldenPair pair : contract.golden()) {
            fields.put(pair.image(), model.goldenImage(pair).length + " " + pair.expected());
        }
        fields.forEach((name, value) -> System.out.println(model.name() + "\t" + name + "\t" + value));
    }

    private static String describe(Abstention abstention) {
        return abstention.coverage() + " " + describe(abstention.fractureFrom()) + " "
                + describe(abstention.normalUpTo()) + " " + abstention.fractureCases() + " "
                + abstention.normalCases() + " " + abstention.method();
    }

    private static String describe(OptionalDouble bound) {
        return bound.isPresent() ? String.valueOf(bound.getAsDouble()) : "none";
    }

    private static void damage(Path path, Path out) throws IOException {
        byte[] data = Files.readAllBytes(path);
        TreeSet<String> sentences = new TreeSet<>();
        try (DataOutputStream accepted = output(out.toString())) {
            for (int bit = 0; bit < data.length * 8; bit++) {
                byte[] flipped = data.clone();
                flipped[bit / 8] ^= (byte) (1 << bit % 8);
                if (isAccepted(path, flipped, sentences)) {
                    accepted.writeInt(bit);
                }
            }
            accepted.writeInt(-1);
            for (int length = 0; length < data.length; length++) {
                if (isAccepted(path, Arrays.copyOf(data, length), sentences)) {
                    accepted.writeInt(length);
                }
            }
        }
        sentences.forEach(System.out::println);
    }

    private static boolean isAccepted(Path path, byte[] data, TreeSet<String> sentences) {
        try {
            ModelFile.of(path.toString(), data);
            return true;
        } catch (ModelException error) {
            sentences.add(error.getMessage());
            return false;
        }
    }

    private static void decide(String[] arguments) throws IOException, ModelException {
        byte[] model = Files.readAllBytes(Path.of(arguments[1]));
        Contract contract = ModelFile.of(arguments[1], model).contract();
        Decision decision = new Decision(contract);
        Quantization logits = new Quantization(Float.parseFloat(arguments[2]), Integer.parseInt(arguments[3]));
        try (DataInputStream in = input(arguments[4]);
                DataOutputStream out = output(arguments[5])) {
            while (in.available() > 0) {
                Verdict verdict = logits.scale() == 0
                        ? decision.decide(in.readDouble(), in.readDouble())
                        : decision.decide(in.readUnsignedByte(), in.readUnsignedByte(), logits);
                out.writeByte(contract.labels().indexOf(verdict.label()));
                out.writeByte(verdict.referral().ordinal());
                out.writeDouble(verdict.margin());
                out.writeDouble(verdict.score());
            }
        }
    }

    private static DataInputStream input(String path) throws IOException {
        return new DataInputStream(new ByteArrayInputStream(Files.readAllBytes(Path.of(path))));
    }

    private static DataOutputStream output(String path) throws IOException {
        return new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(Path.of(path))));
    }
}
