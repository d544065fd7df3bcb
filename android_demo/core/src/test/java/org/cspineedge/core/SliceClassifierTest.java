package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class SliceClassifierTest {
    private static final GreyImage IMAGE = SmallModel.grey(9, 7, 60);

    private static SliceClassifier classifier(ToldEngine.Factory factory) throws ModelException {
        return new SliceClassifier(new SmallModel().file(), factory, KernelFamily.XNNPACK, 3);
    }

    private static SliceClassifier telling(double first, double second) throws ModelException {
        return classifier(ToldEngine.factory(input -> new double[] {first, second}, KernelFamily.XNNPACK));
    }

    @Test
    void theNetworkGetsThePreparedImageAndItsLogitsDecide() throws ModelException {
        AtomicReference<byte[]> seen = new AtomicReference<>();
        SliceClassifier classifier = classifier(ToldEngine.factory(
                input -> {
                    seen.set(input.clone());
                    return new double[] {130, 140};
                },
                KernelFamily.XNNPACK));
        GreyImage picture = SmallModel.grey(9, 7, 60);
        picture.pixels()[30] = (byte) 200;
        Reading reading = classifier.classify(picture);
        assertArrayEquals(
                new Preprocessor(classifier.contract().preprocessing()).tensor(picture), seen.get());
        double score = 1 / (1 + Math.exp(-2.5 / 2));
        assertEquals(
                new Verdict("fracture", true, score, 2.5, SmallModel.THRESHOLD, Referral.UNKNOWN), reading.verdict());
        assertTrue(reading.prepareMs() > 0);
        assertTrue(reading.inferenceMs() > 0);
        assertEquals(3, classifier.engine().threads());
    }

    @Test
    void theSessionsThresholdChangesTheLabelAndNothingElse() throws ModelException {
        SliceClassifier classifier = telling(128, 130);
        assertEquals(SmallModel.THRESHOLD, classifier.threshold());
        Verdict before = classifier.classify(IMAGE).verdict();
        classifier.setThreshold(0.75);
        Verdict after = classifier.classify(IMAGE).verdict();
        assertTrue(before.positive());
        assertEquals(
                new Verdict("normal", false, before.score(), before.margin(), 0.75, before.referral()), after);
        assertEquals(0.75, classifier.threshold());
        assertEquals(SmallModel.THRESHOLD, classifier.contract().threshold().logit());
        classifier.setThreshold(0.5);
        assertTrue(classifier.classify(IMAGE).verdict().positive(), "a margin at the threshold is positive");
        assertThrows(IllegalArgumentException.class, () -> classifier.setThreshold(Double.NaN));
    }

    @Test
    void aThresholdThatContradictsAbstentionSendsToARadiologist() throws ModelException {
        Map<String, Object> abstention = Map.of(
                "coverage", 0.9, "fracture_from", 0.0, "normal_up_to", -1.0, "fracture_cases", 9, "normal_cases", 9,
                "method", "chosen for this test");
        ModelFile model = new SmallModel().with("abstention", abstention).file();
        ToldEngine.Factory factory = ToldEngine.factory(input -> new double[] {128, 130}, KernelFamily.XNNPACK);
        SliceClassifier classifier = new SliceClassifier(model, factory, KernelFamily.XNNPACK, 1);
        assertEquals(Referral.NOT_NEEDED, classifier.classify(IMAGE).verdict().referral());
        classifier.setThreshold(3);
        assertEquals(Referral.DISAGREEMENT, classifier.classify(IMAGE).verdict().referral());
    }

    @Test
    void latenciesAreThoseOfTheLatestInferences() throws ModelException {
        SliceClassifier classifier = telling(128, 130);
        assertTrue(classifier.latency().p50Ms().isEmpty());
        double latest = 0;
        for (int i = 0; i < LatencyWindow.SIZE + 5; i++) {
            latest = classifier.classify(IMAGE).inferenceMs();
        }
        assertEquals(LatencyWindow.SIZE, classifier.latency().count());
        assertTrue(latest > 0);
        assertTrue(classifier.latency().p50Ms().getAsDouble() <= classifier.latency().p90Ms().getAsDouble());
    }

    @Test
    void percentilesAreTimesThatOccurred() {
        LatencyWindow window = new LatencyWindow();
        for (int i = 1; i <= LatencyWindow.SIZE + 10; i++) { // 11 to 210 ms remain
            window.add(i * 1_000_000L);
        }
        assertEquals(110.0, window.p50Ms().getAsDouble());
        assertEquals(190.0, window.p90Ms().getAsDouble());
    }

    @Test
    void aModelForAnotherTaskIsRefusedAndItsEngineClosed() {
        AtomicReference<ToldEngine> opened = new AtomicReference<>();
        for (double[][] outputs : new double[][][] {{{0, 1}}, {{0, 1}, {1, 2, 3}}}) {
            ToldEngine.Factory told = new ToldEngine.Factory(
                    "told",
                    List.of(KernelFamily.XNNPACK),
                    List.of(new Quantization(1, 0), new Quantization(1, 0)),
                    input -> outputs);
            EngineFactory factory = new EngineFactory() {
                @Override
                public String runtime() {
                    return told.runtime();
                }

                @Override
                public List<KernelFamily> families() {
                    return told.families();
                }

                @Override
                public Engine open(ModelFile model, KernelFamily family, int threads) throws ModelException {
                    opened.set((ToldEngine) told.open(model, family, threads));
                    return opened.get();
                }
            };
            ModelFile model = new SmallModel().file();
            ModelException error = assertThrows(
                    ContractException.class, () -> new SliceClassifier(model, factory, KernelFamily.XNNPACK, 1));
            assertTrue(error.getMessage().startsWith("small.tflite: "));
            assertTrue(opened.get().closed);
        }
    }

    @Test
    void aGraphWithAnotherInputThanTheContractsIsRefused() {
        ToldEngine.Factory factory = ToldEngine.factory(
                input -> {
                    throw new IllegalArgumentException("the input has 48 bytes, the model takes 3");
                },
                KernelFamily.XNNPACK);
        assertThrows(ContractException.class, () -> classifier(factory));
    }

    @Test
    void anInputThatNoPhoneCouldHoldIsRefused() {
        Map<String, Object> huge =
                Map.of("height", 4096, "width", 4096, "channels", 4096, "value_range", List.of(0.0, 1.0));
        ModelFile model = new SmallModel().with("preprocessing", huge).file();
        ToldEngine.Factory factory = ToldEngine.factory(input -> new double[] {128, 130}, KernelFamily.XNNPACK);
        assertThrows(
                ContractException.class, () -> new SliceClassifier(model, factory, KernelFamily.XNNPACK, 1));
    }

    @Test
    void noVerdictComesOfWhatIsNoNumber() throws ModelException {
        ToldEngine.Factory factory = new ToldEngine.Factory(
                "told",
                List.of(KernelFamily.XNNPACK),
                List.of(new Quantization(0, 0), new Quantization(0, 0)),
                input -> new double[][] {{0, 1}, {Double.NaN, 0.5}});
        SliceClassifier classifier = classifier(factory);
        assertThrows(IllegalArgumentException.class, () -> classifier.classify(IMAGE));
        assertFalse(((ToldEngine) classifier.engine()).closed);
        classifier.close();
        assertTrue(((ToldEngine) classifier.engine()).closed);
    }
}
