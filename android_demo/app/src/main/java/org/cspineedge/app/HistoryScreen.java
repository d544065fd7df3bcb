package org.cspineedge.app;

import android.view.View;
import android.view.ViewGroup;
import java.util.List;
import org.cspineedge.core.History;
import org.cspineedge.core.Verdict;

/** The verdicts of the session, the latest first. */
final class HistoryScreen extends Screen {
    /** Most that are shown; all are exported. */
    static final int MOST_SHOWN = 100;

    HistoryScreen(MainActivity activity, ViewGroup parent) {
        super(activity, R.layout.screen_history, parent);
        onClick(R.id.export_csv, () -> activity.create(Export.HISTORY_CSV));
        onClick(R.id.export_json, () -> activity.create(Export.HISTORY_JSON));
        onClick(R.id.share_csv, activity::shareHistory);
        onClick(R.id.clear_history, () -> {
            session.history().clear();
            session.tell(null);
        });
    }

    @Override
    void show() {
        List<History.Entry> entries = session.history().entries();
        showNotice(R.id.history_notice);
        setText(R.id.history_empty, entries.isEmpty() ? resources().getString(R.string.history_empty) : null);
        for (int id : new int[] {R.id.export_csv, R.id.export_json, R.id.share_csv, R.id.clear_history}) {
            view.findViewById(id).setVisibility(entries.isEmpty() ? View.GONE : View.VISIBLE);
        }
        ViewGroup rows = find(R.id.history_rows);
        rows.removeAllViews();
        for (int i = entries.size() - 1; i >= Math.max(0, entries.size() - MOST_SHOWN); i--) {
            History.Entry entry = entries.get(i);
            Verdict verdict = entry.verdict();
            String title = resources().getString(R.string.history_title, entry.source(), verdict.label());
            String details = resources().getString(
                    R.string.history_details,
                    Words.score(verdict.score()),
                    resources().getString(Words.sentence(verdict.referral())),
                    entry.model(),
                    entry.engine() + ", " + entry.family().key(),
                    entry.time());
            addRow(rows, title, details);
        }
        int older = entries.size() - MOST_SHOWN;
        setText(R.id.history_older,
                older > 0 ? resources().getQuantityString(R.plurals.history_older, older, older) : null);
    }
}
