package org.cspineedge.core;

/** What golden pairs have to do to pass. */
public enum Agreement {
    /** Integer models. */
    EQUAL("bit for bit"),
    /** Integer models on LiteRT's built-in kernels on ARM, if they carry no outputs of these. */
    DECISION("with the same decisions"),
    /** Float models. */
    CLOSE("within 0.1 %"),
    /** Integer models with layers in float. */
    MIXED("within 1");

    private final String words;

    Agreement(String words) {
        this.words = words;
    }

    /** What is demanded, in the toolkit's words. */
    public String words() {
        return words;
    }
}
