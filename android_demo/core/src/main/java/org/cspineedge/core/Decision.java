package org.cspineedge.core;

/** The way from logits to a verdict, in double precision and in the toolkit's order of operations. */
public final class Decision {
    private static final double STEEPEST = 700.0; // exp of more overflows soon

    private final Contract contract;
    private final double threshold;

    /** @param contract labels, threshold, temperature and abstention of the model */
    public Decision(Contract contract) {
        this(contract, contract.threshold().logit());
    }

    /**
     * @param contract labels, temperature and abstention of the model
     * @param threshold on the margin, in place of the contract's
     * @throws IllegalArgumentException if the threshold is not a number
     */
    public Decision(Contract contract, double threshold) {
        if (Double.isNaN(threshold)) {
            throw new IllegalArgumentException("the threshold should be a number");
        }
        this.contract = contract;
        this.threshold = threshold;
    }

    /** The threshold on the margin that it decides by. */
    public double threshold() {
        return threshold;
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
