package org.cspineedge.core;

/**
 * What the toolkit's gate said when it compared the model with the float network, in its words.
 *
 * @param verdict passed, failed or too little evidence
 * @param reason why
 */
public record Parity(String verdict, String reason) {}
