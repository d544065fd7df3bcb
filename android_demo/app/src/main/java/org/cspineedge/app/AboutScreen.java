package org.cspineedge.app;

import android.view.ViewGroup;
import org.cspineedge.core.Contract;
import org.cspineedge.core.Preprocessing;

/** What the model in use says of itself. */
final class AboutScreen extends Screen {
    AboutScreen(MainActivity activity, ViewGroup parent) {
        super(activity, R.layout.screen_about, parent);
    }

    @Override
    void show() {
        ViewGroup rows = find(R.id.about_rows);
        rows.removeAllViews();
        setText(R.id.about_intended, null);
        if (session.loaded() == null) {
            return;
        }
        String model = session.loaded().classifier().model().name();
        Contract contract = session.loaded().classifier().contract();
        setText(R.id.about_intended, contract.intendedUse());
        addRow(rows, text(R.string.about_file), model + "\nSHA-256 " + contract.graphSha256());
        contract.provenance().ifPresent(origin -> addRow(
                rows, text(R.string.about_provenance), origin.backbone() + ", " + origin.precision()));
        contract.parity().ifPresent(parity -> addRow(
                rows, text(R.string.about_parity), parity.verdict() + ": " + parity.reason()));
        Preprocessing input = contract.preprocessing();
        addRow(rows, text(R.string.about_input),
                text(R.string.about_input_size, input.width(), input.height(), input.channels()));
        addRow(rows, text(R.string.about_labels),
                text(R.string.about_labels_are, String.join(", ", contract.labels()), contract.positive()));
        addRow(rows, text(R.string.about_threshold),
                Words.margin(contract.threshold().logit()) + "\n" + contract.threshold().method());
        addRow(rows, text(R.string.about_abstention), contract.abstention()
                .map(abstention -> text(R.string.about_coverage,
                        Math.round(100 * abstention.coverage()), abstention.method()))
                .orElse(text(R.string.referral_unknown)));
        addRow(rows, text(R.string.about_golden), resources().getQuantityString(
                R.plurals.golden_pairs, contract.golden().size(), contract.golden().size()));
    }

    private String text(int string, Object... arguments) {
        return resources().getString(string, arguments);
    }
}
