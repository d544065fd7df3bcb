package org.cspineedge.core;

import java.util.Arrays;
import java.util.OptionalDouble;

/** Times of the latest inferences; one thread may add while others read. */
public final class LatencyWindow {
    /** Inferences that are kept. */
    public static final int SIZE = 200;

    private final long[] nanoseconds = new long[SIZE];
    private long added;

    LatencyWindow() {}

    synchronized void add(long elapsed) {
        nanoseconds[(int) (added++ % SIZE)] = elapsed;
    }

    /** Inferences that the percentiles are of, at most {@link #SIZE}. */
    public synchronized int count() {
        return (int) Math.min(added, SIZE);
    }

    /** Median in milliseconds; empty before the first inference. */
    public OptionalDouble p50Ms() {
        return percentileMs(50);
    }

    /** Percentile 90 in milliseconds; empty before the first inference. */
    public OptionalDouble p90Ms() {
        return percentileMs(90);
    }

    private synchronized OptionalDouble percentileMs(int percent) {
        if (added == 0) {
            return OptionalDouble.empty();
        }
        long[] sorted = Arrays.copyOf(nanoseconds, count());
        Arrays.sort(sorted);
        return OptionalDouble.of(Percentiles.percentile(sorted, percent) / 1e6);
    }
}
