package org.cspineedge.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Reads the contract document. Every field that is used must be there; what is for other readers is passed over. */
final class ContractReader {
    static final String FILE = "cspine_edge.json";

    private static final String SCHEMA = "cspine-edge/contract";
    private static final int VERSION = 2; // version 1 had no abstention
    private static final String RESIZE_FILTER = "pillow-bilinear";

    private ContractReader() {}

    /**
     * @param modelFile name of the model file, for messages
     * @param document content of {@value #FILE}
     * @throws ContractException if it is of another schema or version, or malformed
     */
    static Contract read(String modelFile, byte[] document) throws ContractException {
        Object content;
        try {
            content = Json.parse(document);
        } catch (JsonException error) {
            throw new ContractException(
                    modelFile, "its " + FILE + " is not JSON (" + error.getMessage() + "); convert the model again");
        }
        try {
            return contract(modelFile, content);
        } catch (JsonException error) {
            throw new ContractException(
                    modelFile, "its contract is malformed: " + error.getMessage() + "; convert the model again");
        }
    }

    private static Contract contract(String modelFile, Object content) throws JsonException, ContractException {
        if (!(content instanceof Map<?, ?> document) || !SCHEMA.equals(document.get("schema"))) {
            throw new ContractException(
                    modelFile, "its " + FILE + " is no " + SCHEMA + " document; convert the model again");
        }
        Fields fields = new Fields(content, "");
        int version = fields.integer("version");
        if (version != 1 && version != VERSION) {
            throw new ContractException(
                    modelFile,
                    "its contract has version " + version + ", this app reads 1 and " + VERSION
                            + "; install the matching version of the app or convert the model again");
        }
        if (!RESIZE_FILTER.equals(fields.text("resize"))) {
            throw new JsonException("the document: its resize filter is unknown to this version");
        }
        Preprocessing preprocessing = preprocessing(fields.object("preprocessing"));
        Outputs outputs = outputs(fields.object("outputs"));
        List<String> labels = fields.texts("labels");
        String positive = fields.text("positive");
        Threshold threshold = threshold(fields.object("threshold"));
        double temperature = fields.number("temperature");
        Optional<Abstention> abstention =
                fields.has("abstention") ? Optional.of(abstention(fields.object("abstention"))) : Optional.empty();
        List<GoldenPair> golden = new ArrayList<>();
        for (Fields pair : fields.objects("golden")) {
            golden.add(new GoldenPair(pair.text("image"), pair.numberTables("expected")));
        }
        String sha256 = fields.text("graph_sha256");
        String intendedUse = fields.text("intended_use");
        Optional<Provenance> provenance =
                fields.has("provenance") ? Optional.of(provenance(fields.object("provenance"))) : Optional.empty();
        Optional<Parity> parity =
                fields.has("parity") ? Optional.of(parity(fields.object("parity"))) : Optional.empty();
        return fields.build(
                () -> new Contract(
                        preprocessing,
                        outputs,
                        labels,
                        positive,
                        threshold,
                        temperature,
                        abstention,
                        golden,
                        sha256,
                        intendedUse,
                        provenance,
                        parity));
    }

    private static Preprocessing preprocessing(Fields fields) throws JsonException {
        int height = fields.integer("height");
        int width = fields.integer("width");
        int channels = fields.integer("channels");
        Optional<Window> window =
                fields.has("window") ? Optional.of(window(fields.object("window"))) : Optional.empty();
        List<Double> range = fields.numbers("value_range");
        if (range.size() != 2) {
            throw new JsonException("preprocessing.value_range should have 2 entries");
        }
        return fields.build(() -> new Preprocessing(height, width, channels, window, range.get(0), range.get(1)));
    }

    private static Window window(Fields fields) throws JsonException {
        double center = fields.number("center");
        double width = fields.number("width");
        String function = fields.text("function");
        for (Window.Function known : Window.Function.values()) {
            if (known.name().equals(function)) {
                return fields.build(() -> new Window(center, width, known));
            }
        }
        throw new JsonException("preprocessing.window.function should be one of LINEAR, LINEAR_EXACT");
    }

    private static Outputs outputs(Fields fields) throws JsonException {
        int logits = fields.integer("logits");
        OptionalInt probability =
                fields.has("probability") ? OptionalInt.of(fields.integer("probability")) : OptionalInt.empty();
        return fields.build(() -> new Outputs(logits, probability));
    }

    private static Abstention abstention(Fields fields) throws JsonException {
        double coverage = fields.number("coverage");
        OptionalDouble fractureFrom = fields.optionalNumber("fracture_from");
        OptionalDouble normalUpTo = fields.optionalNumber("normal_up_to");
        int fractureCases = fields.integer("fracture_cases");
        int normalCases = fields.integer("normal_cases");
        String method = fields.text("method");
        return fields.build(() ->
                new Abstention(coverage, fractureFrom, normalUpTo, fractureCases, normalCases, method));
    }

    private static Provenance provenance(Fields fields) throws JsonException {
        List<String> inFloat = fields.has("in_float") ? fields.texts("in_float") : List.of(); // newer than the rest
        return new Provenance(fields.text("backbone"), fields.text("precision"), inFloat);
    }

    private static Parity parity(Fields fields) throws JsonException {
        return new Parity(fields.text("verdict"), fields.text("reason"));
    }

    private static Threshold threshold(Fields fields) throws JsonException {
        return new Threshold(fields.number("logit"), fields.text("method"), fields.integer("cases"));
    }
}
