package org.cspineedge.core.builtin;

/** A graph that is broken or beyond this engine; the message says why and how to mend it, without naming the file. */
final class GraphException extends Exception {
    private static final long serialVersionUID = 1L;

    GraphException(String reason) {
        super(reason);
    }

    /** A graph that contradicts itself. */
    static GraphException broken(String why) {
        return new GraphException("has a broken graph (" + why + "); convert the model again");
    }

    /** A sound graph with something that is not built here. */
    static GraphException lacking(String what) {
        return new GraphException(
                "its graph needs " + what + ", which the builtin engine does not have; use the litert engine");
    }
}
