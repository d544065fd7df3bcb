package org.cspineedge.core;

/** A contract that is missing, malformed or contradicts the model it travels in. */
public class ContractException extends ModelException {
    private static final long serialVersionUID = 1L;

    /**
     * @param file name of the file at fault
     * @param reason what is wrong and how to mend it, without the file and without a full stop
     */
    public ContractException(String file, String reason) {
        super(file, reason);
    }
}
