package org.cspineedge.core;

/**
 * An operating threshold and how it was chosen.
 *
 * @param logit on the difference of the logits, positive minus other; at or above it a slice is called positive
 * @param method how it was chosen, in words
 * @param cases number of fracture slices of the part it was chosen on
 */
public record Threshold(double logit, String method, int cases) {}
