package org.cspineedge.core;

/** The way from logits to a verdict, in double precision and in the toolkit's order of operations. */
public final class Decision {
    private static final double STEEPEST = 700.0; // exp of more overflows soon

    private final Contract contract;

    /** @param contract labels, threshold, temperature and abstention of the model */
    public Decision(Contract contract) {
        this.contract = contract;
    }

    /**
     * Decides on two real logits in the order of the labels.
     *
     * @throws IllegalArgumentException if a logit is not a number, which no verdict can be based on
     */
    public Verdict decide(double first, double second) {
        int positive = contract.positiveIndex();
        double margin = (positive == 1 ? 1.0 : -1.0) * (second - first);
        if (Double.isNaN(margin)) {
            throw new IllegalArgumentException("the network gave " + first + " and " + second + ", not two numbers");
        }
        double threshold = contract.threshold().logit();
        boolean called = margin >= threshold;
        String label = contract.labels().get(called ? positive : 1 - positive);
        return new Verdict(label, called, score(margin), margin, threshold, referral(margin, called));
    }

    /**
     * Decides on two stored logits in the order of the labels.
     *
     * @param logits how the output tensor stores them
     */
    public Verdict decide(int first, int second, Quantization logits) {
        return decide(logits.dequantize(first), logits.dequantize(second));
    }

    private Referral referral(double margin, boolean called) {
        if (contract.abstention().isEmpty()) {
            return Referral.UNKNOWN;
        }
        Abstention abstention = contract.abstention().get();
        boolean fracture = abstention.allowsFracture(margin);
        if (fracture == abstention.allowsNormal(margin)) {
            return fracture ? Referral.BOTH : Referral.NEITHER;
        }
        return fracture == called ? Referral.NOT_NEEDED : Referral.DISAGREEMENT;
    }

    private double score(double margin) {
        double scaled = Math.max(-STEEPEST, Math.min(STEEPEST, margin / contract.temperature()));
        return 1.0 / (1.0 + Math.exp(-scaled));
    }
}
