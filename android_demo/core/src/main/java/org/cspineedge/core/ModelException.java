package org.cspineedge.core;

/** A model file that is broken or foreign. The message is one sentence: the file, what is wrong, how to mend it. */
public class ModelException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final String reason;

    /**
     * @param file name of the file at fault
     * @param reason what is wrong and how to mend it, without the file and without a full stop
     */
    public ModelException(String file, String reason) {
        super(file + ": " + reason);
        this.file = file;
        this.reason = reason;
    }

    /** Name of the file at fault. */
    public String file() {
        return file;
    }

    /** What is wrong and how to mend it. */
    public String reason() {
        return reason;
    }
}
