package org.cspineedge.core;

import java.util.Arrays;
import java.util.Optional;

/**
 * Percentiles of measured times and their intervals, as the toolkit's {@code percentiles.py} defines them.
 *
 * <p>A percentile is a time that occurred, and so are the ends of its interval: how many of n runs fall below the true
 * percentile is binomial whatever the distribution, so that the ranks between which it lies follow from n alone
 * (Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2).
 */
final class Percentiles {
    /** Share of such intervals that hold the true percentile, at least, for independent runs. */
    static final double CONFIDENCE = 0.95;

    private static final double DEVIATIONS = 12;

    private Percentiles() {}

    /**
     * Ranks, from 1 up, of order statistics.
     *
     * @param lower of the interval's lower end
     * @param upper of its upper end
     */
    record Ranks(int lower, int upper) {}

    /** Smallest of the times that at least so many percent of them do not exceed. */
    static long percentile(long[] sorted, double percent) {
        int place = (int) Math.ceil(sorted.length * (percent / 100) - 1);
        return sorted[Math.max(0, place)];
    }

    /**
     * Ranks that enclose a percentile, equal-tailed.
     *
     * @param percent between 0 and 100, both exclusive
     * @return empty if the runs are too few for both: below 6 for the median, 36, 72 and 368 for 90, 95 and 99
     */
    static Optional<Ranks> intervalRanks(int runs, double percent) {
        double share = percent / 100;
        double tail = (1 - CONFIDENCE) / 2;
        double deviation = Math.sqrt(runs * share * (1 - share));
        int first = Math.max(0, (int) (runs * share - DEVIATIONS * deviation) - 1);
        int last = Math.min(runs, (int) (runs * share + DEVIATIONS * deviation) + 1);
        double[] atMost = cumulative(runs, share, first, last);
        int lower = first;
        while (lower <= last && atMost[lower - first] <= tail) {
            lower++;
        }
        int upper = first;
        while (upper <= last && atMost[upper - first] < 1 - tail) {
            upper++;
        }
        upper++;
        return lower >= 1 && upper <= runs ? Optional.of(new Ranks(lower, upper)) : Optional.empty();
    }

    /** Binomial probabilities of at most so many, from {@code first} to {@code last}. */
    private static double[] cumulative(int runs, double share, int first, int last) {
        double[] values = new double[last - first + 1];
        double odds = Math.log(share / (1 - share));
        for (int i = 1; i < values.length; i++) { // logarithms, each from the one before
            int k = first + i - 1;
            values[i] = values[i - 1] + Math.log((double) (runs - k) / (k + 1)) + odds;
        }
        double largest = Arrays.stream(values).max().orElse(0);
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += Math.exp(values[i] - largest);
            values[i] = sum;
        }
        for (int i = 0; i < values.length; i++) {
            values[i] /= sum;
        }
        return values;
    }
}
