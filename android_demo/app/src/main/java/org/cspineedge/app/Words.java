package org.cspineedge.app;

import java.util.Locale;
import org.cspineedge.core.Contract;
import org.cspineedge.core.Referral;

/** Numbers and judgements as the screens say them. The app's words are English, so its numbers are too. */
final class Words {
    private Words() {}

    /** A probability. */
    static String score(double score) {
        return String.format(Locale.ROOT, "%.4f", score);
    }

    /** A margin or threshold of it, in logits. */
    static String margin(double margin) {
        return String.format(Locale.ROOT, "%.2f", margin);
    }

    /** A time in milliseconds. */
    static String milliseconds(double time) {
        return String.format(Locale.ROOT, time < 10 ? "%.2f" : "%.1f", time);
    }

    /** The score that a margin has. */
    static double scoreOf(double margin, Contract contract) {
        return 1 / (1 + Math.exp(-margin / contract.temperature()));
    }

    /** Whether a radiologist is needed. */
    static int sentence(Referral referral) {
        return switch (referral) {
            case NOT_NEEDED -> R.string.referral_not_needed;
            case BOTH -> R.string.referral_both;
            case NEITHER -> R.string.referral_neither;
            case DISAGREEMENT -> R.string.referral_disagreement;
            case UNKNOWN -> R.string.referral_unknown;
        };
    }
}
