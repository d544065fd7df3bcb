package org.cspineedge.core;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleConsumer;
import java.util.zip.DataFormatException;

/**
 * How fast a model runs on this machine, measured by the rules of the toolkit's bench: inference after a warm-up, in
 * blocks of about 0.1 s, for a least time and a least number of runs; then whole slices, stage by stage.
 */
public final class Bench {
    /** Least number of timed inferences: the fewest for which percentile 90 has an interval. */
    public static final int LEAST_RUNS = 36;

    /** Untimed inferences, and untimed slices, before the others. */
    static final int WARM_UP = 10;
    /** Sides in pixels of the synthetic slice. */
    static final int SLICE_SIDE = 512;

    private static final double BLOCK_NS = 1e8;
    private static final long SETTLE_NS = 10_000_000; // untimed before a block: weights come back into the cache
    private static final int MOST_RUNS_OF_A_BLOCK = 1000;
    private static final int LEAST_SLICES = 10;
    private static final double SLICES_SHARE = 0.5; // of the time of inference, as in the toolkit

    private final SliceClassifier classifier;
    private final double seconds;
    private final DoubleConsumer progress;
    private final BooleanSupplier cancelled;
    private boolean ended;

    private Bench(SliceClassifier classifier, double seconds, DoubleConsumer progress, BooleanSupplier cancelled) {
        this.classifier = classifier;
        this.seconds = seconds;
        this.progress = progress;
        this.cancelled = cancelled;
    }

    /**
     * Measures a model, with the threads that its engine has.
     *
     * @param classifier the model; nothing else may use it meanwhile
     * @param device where it is measured
     * @param appVersion version of this app
     * @param seconds least time of timed inferences, above 0; slices take half as long again
     * @param progress told a share from 0 to 1 now and then, in the calling thread
     * @param cancelled asked before every inference; true, said once, ends the bench
     * @return the report; empty if it was cancelled
     * @throws ContractException if the model has no golden input, of which the slice to time is made
     */
    public static Optional<BenchReport> run(
            SliceClassifier classifier,
            Device device,
            String appVersion,
            double seconds,
            DoubleConsumer progress,
            BooleanSupplier cancelled)
            throws ContractException {
        if (!(seconds > 0) || Double.isInfinite(seconds)) {
            throw new IllegalArgumentException("a bench takes more than 0 s");
        }
        byte[] slice = slice(classifier.model());
        SystemFiles files = new SystemFiles(new File("/"));
        Readings before = new Readings(files);
        Bench bench = new Bench(classifier, seconds, progress, cancelled);
        bench.timedSlice(slice); // whose prepared image stays in the input tensor
        List<long[]> blocks = bench.blocks(bench.warmUp());
        List<long[]> slices = bench.slices(slice);
        if (bench.isCancelled()) {
            return Optional.empty();
        }
        return Optional.of(new BenchReport(
                classifier,
                device.fields(files),
                appVersion,
                seconds,
                blocks,
                slices,
                files.mebibytes("proc/self/status", "VmHWM"),
                before,
                new Readings(files)));
    }

    /** True from the first time on that the caller said so. */
    private boolean isCancelled() {
        ended |= cancelled.getAsBoolean();
        return ended;
    }

    /** A PNG with sides of {@link #SLICE_SIDE}: the first golden input, which is synthetic, enlarged. */
    static byte[] slice(ModelFile model) throws ContractException {
        List<GoldenPair> golden = model.contract().golden();
        if (golden.isEmpty()) {
            throw new ContractException(
                    model.name(), "carries no golden pairs; convert it with 'cspine-edge convert'");
        }
        GreyImage image = SelfTest.goldenImage(model, golden.get(0));
        Preprocessing size = new Preprocessing(SLICE_SIDE, SLICE_SIDE, 1, Optional.empty(), 0, 1);
        return GreyPng.encode(new Preprocessor(size).resize(image));
    }

    /** Runs untimed inferences; gives the number that makes a block, by their median. */
    private int warmUp() {
        long[] times = new long[WARM_UP];
        for (int i = 0; i < WARM_UP && !isCancelled(); i++) {
            times[i] = timedInference();
        }
        Arrays.sort(times);
        long median = Math.max(1, Percentiles.percentile(times, 50));
        return (int) Math.max(1, Math.min(MOST_RUNS_OF_A_BLOCK, Math.round(BLOCK_NS / median)));
    }

    private List<long[]> blocks(int runsOfABlock) {
        List<long[]> blocks = new ArrayList<>();
        double leastNs = seconds * 1e9;
        double elapsedNs = 0;
        int runs = 0;
        while ((elapsedNs < leastNs || runs < LEAST_RUNS) && !isCancelled()) {
            long settled = System.nanoTime() + SETTLE_NS;
            do {
                classifier.infer();
            } while (System.nanoTime() - settled < 0);
            long[] block = new long[runsOfABlock];
            for (int i = 0; i < runsOfABlock && !isCancelled(); i++) {
                block[i] = timedInference();
                elapsedNs += block[i];
            }
            blocks.add(block);
            runs += runsOfABlock;
            double share = Math.min(elapsedNs / leastNs, (double) runs / LEAST_RUNS);
            progress.accept(Math.min(1, share) / (1 + SLICES_SHARE));
        }
        return blocks;
    }

    private long timedInference() {
        long begin = System.nanoTime();
        classifier.infer();
        return System.nanoTime() - begin;
    }

    /** Times of whole slices in nanoseconds: reading, preparing, inference, decision, and the sum of them. */
    private List<long[]> slices(byte[] png) {
        for (int i = 0; i < WARM_UP && !isCancelled(); i++) {
            timedSlice(png);
        }
        List<long[]> slices = new ArrayList<>();
        double leastNs = seconds * SLICES_SHARE * 1e9;
        long begin = System.nanoTime();
        double share = 0;
        while (share < 1 && !isCancelled()) {
            slices.add(timedSlice(png));
            share = Math.min((System.nanoTime() - begin) / leastNs, (double) slices.size() / LEAST_SLICES);
            progress.accept((1 + SLICES_SHARE * Math.min(1, share)) / (1 + SLICES_SHARE));
        }
        return slices;
    }

    private long[] timedSlice(byte[] png) {
        long begin = System.nanoTime();
        GreyImage image = decoded(png);
        long read = System.nanoTime();
        classifier.prepare(image);
        long prepared = System.nanoTime();
        classifier.infer();
        long inferred = System.nanoTime();
        classifier.verdict();
        long decided = System.nanoTime();
        return new long[] {read - begin, prepared - read, inferred - prepared, decided - inferred, decided - begin};
    }

    private static GreyImage decoded(byte[] png) {
        try {
            return GreyPng.decode(png);
        } catch (DataFormatException error) {
            throw new AssertionError("the bench wrote this PNG itself", error);
        }
    }
}
