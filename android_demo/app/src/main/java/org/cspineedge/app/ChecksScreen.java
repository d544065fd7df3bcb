package org.cspineedge.app;

import android.content.res.Resources;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ProgressBar;
import org.cspineedge.core.SelfTestReport;

/** The self-test and the bench. */
final class ChecksScreen extends Screen {
    private final Checks checks;
    private SelfTestReport shown;

    ChecksScreen(MainActivity activity, ViewGroup parent) {
        super(activity, R.layout.screen_checks, parent);
        checks = activity.checks();
        onClick(R.id.run_self_test, checks::runSelfTest);
        onClick(R.id.export_self_test, () -> activity.create(Export.SELF_TEST_JSON));
        onClick(R.id.run_bench, () -> {
            if (checks.isBenching()) {
                checks.cancelBench();
            } else {
                checks.runBench();
            }
        });
        onClick(R.id.export_bench, () -> activity.create(Export.BENCH_JSON));
    }

    @Override
    void show() {
        boolean benching = checks.isBenching();
        boolean ready = session.loaded() != null && !session.isWorking();
        view.setKeepScreenOn(session.isWorking()); // the phone would clock down
        showNotice(R.id.checks_notice);
        view.findViewById(R.id.run_self_test).setEnabled(ready);
        showSelfTest(checks.selfTest());
        view.findViewById(R.id.run_bench).setEnabled(ready || benching);
        setText(R.id.run_bench, resources().getString(benching ? R.string.cancel : R.string.run_bench));
        ProgressBar progress = find(R.id.bench_progress);
        progress.setVisibility(benching ? View.VISIBLE : View.GONE);
        progress.setProgress(checks.percent());
        setText(R.id.bench_state, benchText(benching));
        view.findViewById(R.id.export_bench).setVisibility(checks.bench() == null ? View.GONE : View.VISIBLE);
    }

    private void showSelfTest(SelfTestReport report) {
        view.findViewById(R.id.export_self_test).setVisibility(report == null ? View.GONE : View.VISIBLE);
        if (report == shown) {
            return; // TalkBack would read it all again
        }
        shown = report;
        ViewGroup rows = find(R.id.self_test_rows);
        rows.removeAllViews();
        if (report == null) {
            return;
        }
        for (SelfTestReport.Result result : report.results()) {
            int title = result.error().isPresent()
                    ? R.string.not_run
                    : result.passed() ? R.string.equal : R.string.not_equal;
            addRow(rows, resources().getString(title, result.runtime(), result.family().key()), result.line());
        }
    }

    private String benchText(boolean benching) {
        Resources resources = resources();
        if (benching) {
            return resources.getString(R.string.bench_running, checks.percent());
        }
        if (checks.bench() != null) {
            return String.join("\n", checks.bench().lines());
        }
        return checks.benchState() == null ? null : checks.benchState().in(resources);
    }
}
