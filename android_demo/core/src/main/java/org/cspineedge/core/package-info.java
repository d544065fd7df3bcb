/**
 * What a scanner needs besides an interpreter: a model file with its contract, the way from a grey image to the
 * input tensor, and the way from logits to a verdict; each bit for bit as the Python toolkit does it.
 *
 * <p>Plain Java without Android imports. Only library calls that Android has had since API 24, or that D8 replaces,
 * are used: no {@code java.nio.file}, no {@code readAllBytes}, no {@code Stream.toList}. Records are desugared by D8.
 */
package org.cspineedge.core;
