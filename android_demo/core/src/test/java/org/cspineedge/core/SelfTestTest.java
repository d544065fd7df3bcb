package org.cspineedge.core;

import static org.cspineedge.core.KernelFamily.BUILTIN;
import static org.cspineedge.core.KernelFamily.REFERENCE;
import static org.cspineedge.core.KernelFamily.XNNPACK;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SelfTestTest {
    private static final String PC = "amd64";

    /** An engine whose second logit, in steps, is the first level of the input. */
    private static ToldEngine.Factory echo(KernelFamily... families) {
        return ToldEngine.factory(input -> new double[] {128, input[0] & 0xFF}, families);
    }

    /** What two families expect. */
    private static Map<String, List<List<Double>>> both(
            Map<String, List<List<Double>>> one, Map<String, List<List<Double>>> other) {
        Map<String, List<List<Double>>> families = new HashMap<>(one);
        families.putAll(other);
        return families;
    }

    private static SmallModel model(int xnnpackOff, int referenceOff) {
        SmallModel model = new SmallModel();
        for (int level : new int[] {120, 128, 130}) {
            model.golden(level, both(
                    SmallModel.expected("xnnpack", 128, level + xnnpackOff),
                    SmallModel.expected("reference", 128, level + referenceOff)));
        }
        return model;
    }

    @Test
    void familiesThatGiveWhatTheWorkstationSawPass() throws ContractException {
        SelfTestReport report = SelfTest.run(model(0, 0).file(), List.of(echo(XNNPACK, REFERENCE)), 2, PC);
        assertTrue(report.passed());
        assertEquals(
                List.of(
                        "equal told 1.0, xnnpack kernels: 3 golden pairs bit for bit; against the kernels in use 0 "
                                + "flips, margins 0 apart at most",
                        "equal told 1.0, reference kernels: 3 golden pairs bit for bit; against the kernels in use 0 "
                                + "flips, margins 0 apart at most",
                        "passed: 2 kinds of kernels"),
                report.lines());
        assertEquals(-2.0, report.results().get(0).pairs().get(0).margin());
    }

    @Test
    void aStepInOneOutputIsNoticed() throws ContractException {
        SelfTestReport report = SelfTest.run(model(0, 1).file(), List.of(echo(XNNPACK, REFERENCE)), 1, PC);
        assertFalse(report.passed());
        assertTrue(report.results().get(0).passed());
        assertEquals(1.0, report.results().get(1).pairs().get(0).largestDifference());
        assertTrue(report.lines()
                .get(1)
                .startsWith("DIFFERS told 1.0, reference kernels: 3 golden pairs bit for bit, 3 of them not; "));
        assertEquals("FAILED: 2 kinds of kernels", report.lines().get(2));
    }

    @Test
    void whatDecidesOtherwiseThanTheKernelsInUseFails() throws ContractException {
        ToldEngine.Factory other =
                ToldEngine.factory(input -> new double[] {128, (input[0] & 0xFF) + 1}, REFERENCE);
        SelfTestReport report = SelfTest.run(model(0, 1).file(), List.of(echo(XNNPACK), other), 1, PC);
        assertTrue(report.results().get(1).passed(), "it gives what its family gave");
        assertEquals(1, report.results().get(1).flips().getAsInt()); // 128 is below the threshold of a step, 129 not
        assertEquals(0.25, report.results().get(1).largestMarginDifference().getAsDouble());
        assertFalse(report.passed());
    }

    @Test
    void whatCannotRunSaysWhy() throws ContractException {
        ToldEngine.Factory lacking = new ToldEngine.Factory("lacking", List.of(XNNPACK), List.of(), null);
        SelfTestReport report = SelfTest.run(model(0, 0).file(), List.of(lacking, echo(XNNPACK)), 1, PC);
        assertFalse(report.passed());
        assertEquals(
                "NOT RUN lacking, xnnpack kernels: small.tflite: has operations that lacking lacks",
                report.lines().get(0));
        assertTrue(report.results().get(1).passed());
        assertEquals("FAILED: 1 kinds of kernels, 1 not run", report.lines().get(2));
        assertFalse(SelfTest.run(model(0, 0).file(), List.of(lacking), 1, PC).passed());
        assertFalse(SelfTest.run(model(0, 0).file(), List.of(), 1, PC).passed());
    }

    @Test
    void builtInKernelsAreComparedWithThoseOfTheirProcessor() throws ContractException {
        SmallModel two = new SmallModel()
                .golden(130, both(
                        SmallModel.expected("builtin", 128, 131), SmallModel.expected("builtin arm", 128, 130)));
        for (String arm : new String[] {"aarch64", "arm64-v8a", "armeabi-v7a", "ARMV8"}) {
            SelfTestReport report = SelfTest.run(two.file(), List.of(echo(BUILTIN)), 1, arm);
            assertTrue(report.passed(), arm);
            assertEquals(Agreement.EQUAL, report.results().get(0).agreement());
        }
        assertFalse(SelfTest.run(two.file(), List.of(echo(BUILTIN)), 1, "x86_64").passed());
    }

    @Test
    void withoutOutputsOfArmsBuiltInKernelsTheDecisionsCount() throws ContractException {
        SmallModel far = new SmallModel().golden(130, SmallModel.expected("builtin", 128, 200));
        SelfTestReport report = SelfTest.run(far.file(), List.of(echo(BUILTIN)), 1, "arm64-v8a");
        assertTrue(report.passed());
        assertEquals(Agreement.DECISION, report.results().get(0).agreement());
        SmallModel flipped = new SmallModel().golden(130, SmallModel.expected("builtin", 128, 128));
        assertFalse(SelfTest.run(flipped.file(), List.of(echo(BUILTIN)), 1, "arm64-v8a").passed());
    }

    @Test
    void modelsWithLayersInFloatMayBeAStepOff() throws ContractException {
        SelfTestReport report =
                SelfTest.run(model(1, 2).inFloat("head").file(), List.of(echo(XNNPACK, REFERENCE)), 1, PC);
        assertEquals(Agreement.MIXED, report.results().get(0).agreement());
        assertTrue(report.results().get(0).passed());
        assertFalse(report.results().get(1).passed());
        assertFalse(SelfTest.run(model(1, 0).inFloat().file(), List.of(echo(XNNPACK)), 1, PC).passed());
    }

    @Test
    void floatModelsMayBeAThousandthOff() throws ContractException {
        for (double off : new double[] {0.009, 0.011}) {
            ToldEngine.Factory real = new ToldEngine.Factory(
                    "told",
                    List.of(XNNPACK),
                    List.of(new Quantization(0, 0), new Quantization(0, 0)),
                    input -> new double[][] {{0, 1}, {-10 + off, 3}});
            SmallModel model = new SmallModel()
                    .golden(1, Map.of("xnnpack", List.of(List.of(0.0, 1.0), List.of(-10.0, 3.0))));
            SelfTestReport report = SelfTest.run(model.file(), List.of(real), 1, PC);
            assertEquals(Agreement.CLOSE, report.results().get(0).agreement());
            assertEquals(off < 0.01, report.passed());
        }
    }

    @Test
    void aModelWithoutGoodGoldenPairsIsRefused() {
        List<EngineFactory> factories = List.of(echo(XNNPACK));
        for (SmallModel model : List.of(
                new SmallModel(),
                new SmallModel().golden(new byte[] {1, 2}, SmallModel.expected("xnnpack", 1, 2)),
                new SmallModel()
                        .golden(GreyPng.encode(SmallModel.grey(5, 4, 0)), SmallModel.expected("xnnpack", 1, 2)))) {
            ContractException error =
                    assertThrows(ContractException.class, () -> SelfTest.run(model.file(), factories, 1, PC));
            assertTrue(error.getMessage().matches("small.tflite: .+; convert it .*again|.*cspine-edge convert'"));
        }
    }

    @Test
    void goldenOutputsOfAnotherShapeAreNotCompared() throws ContractException {
        SmallModel model = new SmallModel().golden(1, Map.of("xnnpack", List.of(List.of(1.0, 2.0))));
        SelfTestReport report = SelfTest.run(model.file(), List.of(echo(XNNPACK, REFERENCE)), 1, PC);
        assertTrue(report.lines().get(0).contains("has golden outputs of another shape in golden/0.png"));
        assertTrue(report.lines().get(1).contains("has no golden outputs for reference kernels"));
        assertFalse(report.passed());
    }
}
