package org.cspineedge.app;

import android.os.Build;
import java.util.ArrayList;
import java.util.Optional;
import org.cspineedge.core.Bench;
import org.cspineedge.core.BenchReport;
import org.cspineedge.core.Device;
import org.cspineedge.core.SelfTest;
import org.cspineedge.core.SelfTestReport;
import org.cspineedge.core.SliceClassifier;

/** The self-test and the bench of a session. Belongs to the main thread. */
final class Checks {
    /** Least time of timed inferences. */
    static final double BENCH_SECONDS = 30;

    private final Session session;
    private final String appVersion;
    private SelfTestReport selfTest;
    private BenchReport bench;
    private Notice benchState;
    private boolean benching;
    private volatile boolean cancelled;
    private int percent;

    Checks(Session session, String appVersion) {
        this.session = session;
        this.appVersion = appVersion;
    }

    /** Replays the golden pairs of the model in use on all kernels. */
    void runSelfTest() {
        selfTest = null;
        session.tell(null);
        session.submit(() -> {
            SliceClassifier inUse = session.classifierAtWork();
            SelfTestReport report = SelfTest.run(
                    inUse.model(), new ArrayList<>(session.engines()), inUse.engine().threads(), architecture());
            return () -> selfTest = report;
        });
    }

    /** Times the model in use. */
    void runBench() {
        bench = null;
        benchState = null;
        percent = 0;
        benching = true;
        cancelled = false;
        session.tell(null);
        session.submit(() -> {
            try {
                Optional<BenchReport> report = Bench.run(
                        session.classifierAtWork(), device(), appVersion, BENCH_SECONDS, this::progress, () -> cancelled);
                return () -> {
                    bench = report.orElse(null);
                    benchState = bench == null ? Notice.of(R.string.bench_cancelled) : null;
                };
            } finally {
                session.onMain(() -> benching = false);
            }
        });
    }

    /** Ends the bench after the inference that it is at. */
    void cancelBench() {
        cancelled = true;
    }

    /** On the worker. */
    private void progress(double share) {
        int now = (int) (100 * share);
        session.onMain(() -> {
            if (now != percent) {
                percent = now;
                session.changed();
            }
        });
    }

    private static String architecture() {
        return Build.SUPPORTED_ABIS.length > 0 ? Build.SUPPORTED_ABIS[0] : System.getProperty("os.arch", "");
    }

    private static Device device() {
        Optional<String> chip =
                Build.VERSION.SDK_INT >= Build.VERSION_CODES.S ? Optional.of(Build.SOC_MODEL) : Optional.empty();
        return new Device(
                Build.MANUFACTURER + " " + Build.MODEL,
                chip,
                System.getProperty("os.arch", architecture()),
                "Android " + Build.VERSION.RELEASE);
    }

    /** What the last self-test found; null if there was none. */
    SelfTestReport selfTest() {
        return selfTest;
    }

    /** What the last bench found; null if there was none. */
    BenchReport bench() {
        return bench;
    }

    /** How the last bench ended, if it found nothing; else null. */
    Notice benchState() {
        return benchState;
    }

    boolean isBenching() {
        return benching;
    }

    int percent() {
        return percent;
    }
}
