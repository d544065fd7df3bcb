package org.cspineedge.app;

import org.cspineedge.core.Contract;

/** The threshold slider: margins whose scores are from 0.0001 to 0.9999, with the contract's threshold among them. */
final class ThresholdScale {
    /** Steps of the slider, as in its layout. */
    static final int STEPS = 400;

    private static final double WIDEST = 9.21; // logit of 0.9999

    private final double low;
    private final double high;

    ThresholdScale(Contract contract) {
        double reach = WIDEST * contract.temperature();
        low = Math.min(-reach, contract.threshold().logit() - reach / 10);
        high = Math.max(reach, contract.threshold().logit() + reach / 10);
    }

    double margin(int step) {
        return low + (high - low) * step / STEPS;
    }

    int step(double margin) {
        return (int) Math.round((margin - low) / (high - low) * STEPS);
    }
}
