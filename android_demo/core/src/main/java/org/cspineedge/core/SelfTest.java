package org.cspineedge.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.zip.DataFormatException;

/**
 * The golden pairs through every family of kernels of every factory: does this machine answer as the workstation did?
 *
 * <p>The rules are those of the toolkit's {@code verification.py} and {@code kernel_families.py}.
 */
public final class SelfTest {
    private static final double FLOAT_TOLERANCE = 1e-3; // relative to the largest expected value
    private static final double MIXED_TOLERANCE = 1.0; // layers in float may round to the next step after them

    private final ModelFile model;
    private final String machine;
    private final List<GreyImage> images;

    private SelfTest(ModelFile model, String machine, List<GreyImage> images) {
        this.model = model;
        this.machine = machine;
        this.images = images;
    }

    /**
     * Replays a model's golden pairs.
     *
     * @param model the model
     * @param factories what can run models; the first family of the first is the one in use
     * @param threads at least 1
     * @param machine architecture, as {@code os.arch} or the first of {@code Build.SUPPORTED_ABIS} name it: LiteRT's
     *     built-in kernels give something else on ARM than on x86
     * @throws ContractException if the model carries no golden pairs, or their inputs are broken
     */
    public static SelfTestReport run(ModelFile model, List<EngineFactory> factories, int threads, String machine)
            throws ContractException {
        SelfTest test = new SelfTest(model, machine, images(model));
        List<SelfTestReport.Result> results = new ArrayList<>();
        List<SelfTestReport.Pair> inUse = List.of();
        for (EngineFactory factory : factories) {
            for (KernelFamily family : factory.families()) {
                SelfTestReport.Result result = test.replay(factory, family, threads, inUse);
                results.add(result);
                inUse = inUse.isEmpty() ? result.pairs() : inUse;
            }
        }
        return new SelfTestReport(model.name(), results);
    }

    /** Name of a golden pair's outputs for these kernels on this machine, as the toolkit's {@code golden_key}. */
    static String goldenKey(KernelFamily family, String machine) {
        String name = machine.toLowerCase(Locale.ROOT);
        boolean onArm = name.startsWith("arm") || name.startsWith("aarch64");
        return family.key() + (onArm && family == KernelFamily.BUILTIN ? " arm" : "");
    }

    private static List<GreyImage> images(ModelFile model) throws ContractException {
        List<GreyImage> images = new ArrayList<>();
        for (GoldenPair pair : model.contract().golden()) {
            images.add(goldenImage(model, pair));
        }
        if (images.isEmpty()) {
            throw new ContractException(
                    model.name(), "carries no golden pairs; convert it with 'cspine-edge convert'");
        }
        return images;
    }

    /** The input of a golden pair, of the height and width of the input tensor. */
    static GreyImage goldenImage(ModelFile model, GoldenPair pair) throws ContractException {
        Preprocessing spec = model.contract().preprocessing();
        GreyImage image;
        try {
            image = GreyPng.decode(model.goldenImage(pair));
        } catch (DataFormatException error) {
            throw new ContractException(
                    model.name(),
                    "its golden input " + pair.image() + " is broken (" + error.getMessage() + "); convert it again");
        }
        if (image.width() != spec.width() || image.height() != spec.height()) {
            throw new ContractException(
                    model.name(), "its golden input " + pair.image() + " has another size; convert it again");
        }
        return image;
    }

    private SelfTestReport.Result replay(
            EngineFactory factory, KernelFamily family, int threads, List<SelfTestReport.Pair> inUse) {
        try (SliceClassifier classifier = new SliceClassifier(model, factory, family, threads)) {
            String key = key(family);
            Agreement agreement = agreement(classifier.engine(), family, key);
            List<SelfTestReport.Pair> pairs = new ArrayList<>();
            for (int i = 0; i < images.size(); i++) {
                pairs.add(replay(classifier, model.contract().golden().get(i), images.get(i), key, agreement));
            }
            return result(classifier.engine(), agreement, pairs, inUse.isEmpty() ? pairs : inUse);
        } catch (ModelException | IllegalArgumentException error) {
            return new SelfTestReport.Result(
                    factory.runtime(),
                    "",
                    family,
                    threads,
                    Agreement.EQUAL,
                    List.of(),
                    Optional.of(String.valueOf(error.getMessage())),
                    OptionalInt.empty(),
                    OptionalDouble.empty());
        }
    }

    /** The family's own outputs, or those of its name on other machines where a pair has none of its own. */
    private String key(KernelFamily family) {
        String own = goldenKey(family, machine);
        for (GoldenPair pair : model.contract().golden()) {
            if (!pair.expected().containsKey(own)) {
                return family.key();
            }
        }
        return own;
    }

    private Agreement agreement(Engine engine, KernelFamily family, String key) {
        boolean mixed = model.contract()
                .provenance()
                .map(origin -> !origin.inFloat().isEmpty())
                .orElse(false);
        if (mixed) {
            return Agreement.MIXED;
        }
        for (int position = 0; position < engine.outputs(); position++) {
            if (engine.outputQuantization(position).scale() == 0) {
                return Agreement.CLOSE;
            }
        }
        return key.equals(goldenKey(family, machine)) ? Agreement.EQUAL : Agreement.DECISION;
    }

    private SelfTestReport.Pair replay(
            SliceClassifier classifier, GoldenPair pair, GreyImage image, String key, Agreement agreement)
            throws ContractException {
        List<List<Double>> expected = pair.expected().get(key);
        if (expected == null) {
            throw new ContractException(
                    model.name(), "has no golden outputs for " + key + " kernels; convert it again");
        }
        classifier.prepare(image);
        classifier.infer();
        Engine engine = classifier.engine();
        boolean sameShape = expected.size() == engine.outputs();
        double largestDifference = 0;
        double largest = 1;
        for (int position = 0; sameShape && position < engine.outputs(); position++) {
            List<Double> output = expected.get(position);
            sameShape = output.size() == engine.outputLength(position);
            for (int i = 0; sameShape && i < output.size(); i++) {
                double wanted = output.get(i);
                largestDifference = Math.max(largestDifference, Math.abs(engine.output(position, i) - wanted));
                largest = Math.max(largest, Math.abs(wanted));
            }
        }
        if (!sameShape) {
            throw new ContractException(
                    model.name(), "has golden outputs of another shape in " + pair.image() + "; convert it again");
        }
        Verdict verdict = classifier.verdict();
        boolean equal = switch (agreement) {
            case EQUAL -> largestDifference == 0;
            case DECISION -> verdict.positive() == expectedVerdict(classifier, expected).positive();
            case CLOSE -> largestDifference <= FLOAT_TOLERANCE * largest;
            case MIXED -> largestDifference <= MIXED_TOLERANCE;
        };
        return new SelfTestReport.Pair(
                pair.image(), equal, largestDifference, verdict.margin(), verdict.positive());
    }

    private Verdict expectedVerdict(SliceClassifier classifier, List<List<Double>> expected) {
        List<Double> logits = expected.get(model.contract().outputs().logits());
        return new Decision(model.contract())
                .decide(classifier.logit(logits.get(0)), classifier.logit(logits.get(1)));
    }

    private static SelfTestReport.Result result(
            Engine engine,
            Agreement agreement,
            List<SelfTestReport.Pair> pairs,
            List<SelfTestReport.Pair> inUse) {
        int flips = 0;
        double largest = 0;
        for (int i = 0; i < pairs.size(); i++) {
            flips += pairs.get(i).positive() == inUse.get(i).positive() ? 0 : 1;
            largest = Math.max(largest, Math.abs(pairs.get(i).margin() - inUse.get(i).margin()));
        }
        return new SelfTestReport.Result(
                engine.runtime(),
                engine.version(),
                engine.family(),
                engine.threads(),
                agreement,
                pairs,
                Optional.empty(),
                OptionalInt.of(flips),
                OptionalDouble.of(largest));
    }
}
