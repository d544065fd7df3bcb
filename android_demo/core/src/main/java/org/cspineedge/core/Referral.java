package org.cspineedge.core;

/** Whether an image is to be sent to a radiologist, and why. */
public enum Referral {
    /** The called label alone is possible. */
    NOT_NEEDED("not needed"),
    /** The margin lies where fractures and normal slices of the validation part both lie. */
    BOTH("both labels are possible"),
    /** The margin lies where hardly any fracture and hardly any normal slice of it lies. */
    NEITHER("neither label is likely"),
    /** One label alone is possible, and it is not the one that the threshold calls. */
    DISAGREEMENT("the threshold calls it otherwise than abstention would"),
    /** The contract has no abstention: nobody knows. */
    UNKNOWN("the model states no abstention");

    private final String reason;

    Referral(String reason) {
        this.reason = reason;
    }

    /** The reason in the toolkit's words. */
    public String reason() {
        return reason;
    }

    /** True if the image is to be sent to a radiologist. */
    public boolean isNeeded() {
        return this != NOT_NEEDED && this != UNKNOWN;
    }
}
