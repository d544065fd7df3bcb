package org.cspineedge.core;

/**
 * What the classifier says of one image.
 *
 * @param label name of the class it is called
 * @param positive true if that is the class that is looked for
 * @param score probability of the positive class by the model, 0 to 1; for people to read, nothing is decided on it
 * @param margin difference of the logits, positive minus other
 * @param threshold operating threshold; the image is called positive if its margin is at or above it
 * @param referral whether the image is to be sent to a radiologist, and why
 */
public record Verdict(
        String label, boolean positive, double score, double margin, double threshold, Referral referral) {}
