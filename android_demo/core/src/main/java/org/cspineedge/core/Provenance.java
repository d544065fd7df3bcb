package org.cspineedge.core;

import java.util.List;

/**
 * Where a model comes from, as far as this app makes use of it.
 *
 * @param backbone network that was trained
 * @param precision its arithmetic, such as {@code int8-qat}
 * @param inFloat layers of an int8 model that were kept in floating point on purpose; empty for all others
 */
public record Provenance(String backbone, String precision, List<String> inFloat) {
    /** Copies the list. */
    public Provenance {
        inFloat = List.copyOf(inFloat);
    }
}
