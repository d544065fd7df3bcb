package org.cspineedge.core.builtin;

/** What shapes must be to one another, or the graph is broken. */
final class Shapes {
    private Shapes() {}

    static void requireSides(Tensor tensor, int sides) throws GraphException {
        if (tensor.shape.length != sides) {
            throw GraphException.broken("a tensor has " + tensor.shape.length + " sides");
        }
    }

    static void requireEqual(long one, long other) throws GraphException {
        if (one != other) {
            throw GraphException.broken("shapes contradict one another");
        }
    }
}
