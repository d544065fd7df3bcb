package org.cspineedge.core;

/**
 * What a classifier says of an image, and what it took.
 *
 * @param verdict the verdict
 * @param prepareMs time from the grey image to the filled input tensor, in milliseconds
 * @param inferenceMs time of the network alone, in milliseconds
 */
public record Reading(Verdict verdict, double prepareMs, double inferenceMs) {}
