package org.cspineedge.core;

import java.util.OptionalDouble;

/**
 * Which labels a margin leaves possible: a prediction set that holds the truth as often as stated.
 *
 * @param coverage share of the cases of each class whose set holds their class, for cases like those it was chosen on
 * @param fractureFrom margin from which on the positive class is possible; empty: always, the cases were too few
 * @param normalUpTo margin up to which the other class is possible; empty: always
 * @param fractureCases independent positive cases of the part it was chosen on
 * @param normalCases independent other cases of it
 * @param method how it was chosen, in words
 */
public record Abstention(
        double coverage,
        OptionalDouble fractureFrom,
        OptionalDouble normalUpTo,
        int fractureCases,
        int normalCases,
        String method) {

    /** @throws IllegalArgumentException if the coverage is no share */
    public Abstention {
        if (!(coverage > 0 && coverage < 1)) {
            throw new IllegalArgumentException("coverage should be between 0 and 1");
        }
    }

    boolean allowsFracture(double margin) {
        return fractureFrom.isEmpty() || margin >= fractureFrom.getAsDouble();
    }

    boolean allowsNormal(double margin) {
        return normalUpTo.isEmpty() || margin <= normalUpTo.getAsDouble();
    }
}
