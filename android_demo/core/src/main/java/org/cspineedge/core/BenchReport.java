package org.cspineedge.core;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What a bench found. Its JSON is a report of {@code cspine-edge bench}, which {@code cspine-edge bench report} and
 * {@code bench compare} read; {@code docs/bench.md} tells every field. What a phone does not measure is null.
 */
public final class BenchReport {
    private static final String SCHEMA = "cspine-edge/bench";
    private static final int VERSION = 3;
    private static final String[] STAGES = {"read", "preprocess", "invoke", "decide", "total"};

    private final Latency latency;
    private final Map<String, Object> document = new LinkedHashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final String engine;

    BenchReport(
            SliceClassifier classifier,
            Map<String, Object> machine,
            String appVersion,
            double seconds,
            List<long[]> blocks,
            List<long[]> slices,
            OptionalDouble peakMib,
            Readings before,
            Readings after) {
        Engine used = classifier.engine();
        int threads = used.threads();
        latency = new Latency(joined(blocks));
        engine = used.runtime() + " " + used.version() + ", " + used.family().key() + " kernels, " + counted(threads);
        warn(threads, before);
        document.put("schema", SCHEMA);
        document.put("version", VERSION);
        document.put("created", UtcTime.iso(System.currentTimeMillis()));
        document.put("toolkit", appVersion);
        document.put("model", model(classifier.model()));
        document.put("machine", machine);
        document.put("conditions", conditions(used, seconds));
        document.put("latencies", List.of(latency.fields(threads)));
        document.put("blocks", List.of(times(threads, blocks)));
        document.put("roofline", null);
        document.put("stages", List.of(stages(threads, slices)));
        document.put("cold_start", null);
        document.put("bench_peak_mib", peakMib);
        document.put("cooling", null);
        document.put("sustained", null);
        document.put("before", before.fields());
        document.put("after", after.fields());
        document.put("warnings", warnings);
        document.put("intended_use", classifier.contract().intendedUse());
    }

    /** The report as a JSON document. */
    public String toJson() {
        return JsonText.of(document);
    }

    /** Lines for people: what computed, the median and percentile 90 with their intervals, and the warnings. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(engine);
        for (int percent : new int[] {50, 90}) {
            List<Double> interval = latency.intervalMs(percent);
            lines.add("p" + percent + " " + shown(latency.percentileMs(percent)) + " ms (95 % interval "
                    + (interval == null ? "not known" : shown(interval.get(0)) + " to " + shown(interval.get(1)))
                    + "), " + latency.runs() + " runs");
        }
        for (String warning : warnings) {
            lines.add("warning: " + warning);
        }
        return lines;
    }

    private void warn(int threads, Readings before) {
        List<String> governors = before.slowGovernors();
        if (!governors.isEmpty()) {
            warnings.add("the CPU governor is " + String.join(" and ", governors) + ", so the clock varies");
        }
        warnings.add("cold start and memory of predict were not measured: an app starts no new process of itself");
        if (!latency.isTight()) {
            double width = latency.tailWidth();
            String known = Double.isInfinite(width) ? "not known" : "known to " + Math.round(100 * width) + " % only";
            warnings.add("with " + counted(threads) + " p90 is " + known + " after " + latency.runs()
                    + " runs; end other work, or measure longer");
        }
    }

    private Map<String, Object> conditions(Engine used, double seconds) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("runtime", used.runtime());
        fields.put("runtime_version", used.version());
        fields.put("family", used.family().key());
        fields.put("threads", List.of(used.threads()));
        fields.put("least_s", seconds);
        fields.put("least_runs", Bench.LEAST_RUNS);
        fields.put("most_s", null);
        fields.put("tail_share", Latency.TAIL_SHARE);
        fields.put("most_reached", !latency.isTight());
        fields.put("warmup", Bench.WARM_UP);
        fields.put("seed", 0);
        fields.put("synthetic", true);
        return fields;
    }

    private static Map<String, Object> model(ModelFile model) {
        Preprocessing spec = model.contract().preprocessing();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("file", model.name());
        fields.put("sha256", model.sha256());
        fields.put("size_bytes", model.size());
        fields.put("height", spec.height());
        fields.put("width", spec.width());
        fields.put("channels", spec.channels());
        fields.put("backbone", model.contract().provenance().map(Provenance::backbone).orElse(null));
        fields.put("precision", model.contract().provenance().map(Provenance::precision).orElse(null));
        return fields;
    }

    private static Map<String, Object> stages(int threads, List<long[]> slices) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("image_format", "PNG");
        fields.put("files", 1);
        fields.put("height", Bench.SLICE_SIDE);
        fields.put("width", Bench.SLICE_SIDE);
        fields.put("threads", threads);
        fields.put("runs", slices.size());
        for (int stage = 0; stage < STAGES.length; stage++) {
            long[] times = new long[slices.size()];
            for (int i = 0; i < times.length; i++) {
                times[i] = slices.get(i)[stage];
            }
            Latency stageTime = new Latency(times);
            Map<String, Object> time = new LinkedHashMap<>();
            time.put("mean_ms", stageTime.meanMs());
            time.put("p50_ms", stageTime.percentileMs(50));
            time.put("p90_ms", stageTime.percentileMs(90));
            fields.put(STAGES[stage], time);
        }
        return fields;
    }

    private static long[] joined(List<long[]> blocks) {
        return blocks.stream().flatMapToLong(Arrays::stream).toArray();
    }

    /** One text a block: times in microseconds, to a tenth, separated by blanks. */
    private static Map<String, Object> times(int threads, List<long[]> blocks) {
        List<String> texts = new ArrayList<>();
        for (long[] block : blocks) {
            StringBuilder text = new StringBuilder();
            for (long nanoseconds : block) {
                long tenths = Math.round(nanoseconds / 100.0);
                text.append(text.length() == 0 ? "" : " ").append(tenths / 10).append('.').append(tenths % 10);
            }
            texts.add(text.toString());
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("threads", threads);
        fields.put("microseconds", texts);
        return fields;
    }

    private static String counted(int threads) {
        return threads + (threads == 1 ? " thread" : " threads");
    }

    private static String shown(double milliseconds) {
        return new BigDecimal(milliseconds).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
    }
}
