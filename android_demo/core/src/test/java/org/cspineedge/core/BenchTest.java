package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BenchTest {
    private static final Device DEVICE = new Device("Maker Phone 1", Optional.empty(), "aarch64", "Android 15");

    /** A classifier whose inference takes so long, at least. */
    private static SliceClassifier classifier(double milliseconds, SmallModel model) throws ModelException {
        ToldEngine.Factory busy = ToldEngine.factory(
                input -> {
                    long end = System.nanoTime() + (long) (milliseconds * 1e6);
                    while (System.nanoTime() - end < 0) {
                        Thread.onSpinWait();
                    }
                    return new double[] {128, 130};
                },
                KernelFamily.XNNPACK);
        return new SliceClassifier(model.file(), busy, KernelFamily.XNNPACK, 2);
    }

    private static SmallModel model() {
        return new SmallModel().golden(7, SmallModel.expected("xnnpack", 128, 130));
    }

    private static Map<?, ?> fields(Object value) {
        return (Map<?, ?>) value;
    }

    private static Map<?, ?> first(Map<?, ?> document, String name) {
        return fields(((List<?>) document.get(name)).get(0));
    }

    @Test
    void inferenceIsTimedForTheLeastTimeInBlocksOfATenthOfASecond() throws ModelException, JsonException {
        List<Double> shares = new ArrayList<>();
        BenchReport report = Bench.run(classifier(2, model()), DEVICE, "0.1.0", 0.4, shares::add, () -> false)
                .get();
        Map<?, ?> document = fields(Json.parse(report.toJson().getBytes(StandardCharsets.UTF_8)));
        List<?> blocks = (List<?>) first(document, "blocks").get("microseconds");
        double total = 0;
        long runs = 0;
        for (Object block : blocks) {
            String[] times = ((String) block).split(" ");
            assertTrue(times.length <= 50);
            for (String time : times) {
                assertTrue(time.matches("\\d+\\.\\d"));
                assertTrue(Double.parseDouble(time) >= 2000, time);
                total += Double.parseDouble(time);
                runs++;
            }
        }
        assertTrue(total >= 400_000);
        assertEquals(runs, first(document, "latencies").get("runs"));
        assertEquals(2L, first(document, "latencies").get("threads"));
        assertTrue((Long) first(document, "stages").get("runs") >= 10);
        assertEquals(1.0, shares.get(shares.size() - 1));
        for (int i = 1; i < shares.size(); i++) {
            assertTrue(shares.get(i) >= shares.get(i - 1));
        }
        assertEquals("told 1.0, xnnpack kernels, 2 threads", report.lines().get(0));
        assertTrue(report.lines().get(1).matches("p50 \\d+\\.\\d\\d ms \\(95 % interval .+ to .+\\), \\d+ runs"));
    }

    @Test
    void aSlowModelStillGetsTheLeastNumberOfRuns() throws ModelException, JsonException {
        BenchReport report = Bench.run(classifier(5, model()), DEVICE, "0.1.0", 0.01, share -> {}, () -> false)
                .get();
        Map<?, ?> document = fields(Json.parse(report.toJson().getBytes(StandardCharsets.UTF_8)));
        assertTrue((Long) first(document, "latencies").get("runs") >= Bench.LEAST_RUNS);
        assertTrue(first(document, "latencies").get("p90_interval_ms") instanceof List<?>);
    }

    @Test
    void aBenchCanBeCancelledAtAnyMoment() throws ModelException {
        SliceClassifier classifier = classifier(1, model());
        int[] asked = {0};
        for (int patience : new int[] {0, 5, 40, 120}) {
            asked[0] = 0;
            Optional<BenchReport> report =
                    Bench.run(classifier, DEVICE, "0.1.0", 60, share -> {}, () -> asked[0]++ == patience);
            assertTrue(report.isEmpty());
        }
        assertEquals(0, classifier.latency().count(), "a bench is no part of the session's latencies");
    }

    @Test
    void whatCannotBeMeasuredIsRefused() throws ModelException {
        SliceClassifier without = classifier(1, new SmallModel());
        assertThrows(
                ContractException.class, () -> Bench.run(without, DEVICE, "0.1.0", 1, share -> {}, () -> false));
        for (double seconds : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Bench.run(without, DEVICE, "0.1.0", seconds, share -> {}, () -> false));
        }
    }

    @Test
    void figuresFollowFromTheTimes() {
        long[] times = new long[1000];
        for (int i = 0; i < times.length; i++) {
            times[i] = (1000 - i) * 1_000_000L;
        }
        Latency latency = new Latency(times);
        assertEquals(500.5, latency.meanMs(), 1e-9);
        assertEquals(500.0, latency.percentileMs(50));
        assertEquals(990.0, latency.percentileMs(99));
        assertEquals(List.of(469.0, 532.0), latency.intervalMs(50));
        assertFalse(new Latency(new long[] {1, 2, 3, 4, 5}).isTight());
        assertEquals(null, new Latency(new long[] {1, 2, 3, 4, 5}).intervalMs(50));
    }
}
