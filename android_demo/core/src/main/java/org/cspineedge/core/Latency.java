package org.cspineedge.core;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Times of inferences in short: the object {@code Latency} of the bench's report. */
final class Latency {
    /** How wide the interval of percentile 90 may be, as a share of it. */
    static final double TAIL_SHARE = 0.05;

    private static final int TAIL_PERCENT = 90;
    private static final List<Integer> PERCENTS = List.of(50, 90, 95, 99);

    private final long[] sorted;

    /** @param nanoseconds one or more */
    Latency(long[] nanoseconds) {
        sorted = nanoseconds.clone();
        Arrays.sort(sorted);
    }

    int runs() {
        return sorted.length;
    }

    double percentileMs(double percent) {
        return Percentiles.percentile(sorted, percent) / 1e6;
    }

    double meanMs() {
        return Arrays.stream(sorted).sum() / 1e6 / sorted.length;
    }

    /** The 95 % interval of a percentile in milliseconds: lower and upper end; null if there are too few runs. */
    List<Double> intervalMs(double percent) {
        return Percentiles.intervalRanks(sorted.length, percent)
                .map(ranks -> List.of(sorted[ranks.lower() - 1] / 1e6, sorted[ranks.upper() - 1] / 1e6))
                .orElse(null);
    }

    /** Width of percentile 90's interval as a share of it; infinite where there is no interval. */
    double tailWidth() {
        List<Double> interval = intervalMs(TAIL_PERCENT);
        return interval == null
                ? Double.POSITIVE_INFINITY
                : (interval.get(1) - interval.get(0)) / percentileMs(TAIL_PERCENT);
    }

    /** True if percentile 90 is known well enough. */
    boolean isTight() {
        return tailWidth() <= TAIL_SHARE;
    }

    Map<String, Object> fields(int threads) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("threads", threads);
        fields.put("runs", runs());
        fields.put("mean_ms", meanMs());
        fields.put("min_ms", sorted[0] / 1e6);
        for (int percent : PERCENTS) {
            fields.put("p" + percent + "_ms", percentileMs(percent));
        }
        fields.put("max_ms", sorted[sorted.length - 1] / 1e6);
        for (int percent : PERCENTS) {
            fields.put("p" + percent + "_interval_ms", intervalMs(percent));
        }
        return fields;
    }
}
