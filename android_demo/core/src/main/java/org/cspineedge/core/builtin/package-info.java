/**
 * An interpreter of int8 TFLite graphs in plain Java, for machines without LiteRT and as a second opinion beside it.
 *
 * <p>It takes the operations that the toolkit's own models and plainly quantised MobileNets consist of, and gives the
 * very bits that LiteRT gives, in two families of kernels: {@link org.cspineedge.core.KernelFamily#XNNPACK}, where
 * whatever XNNPACK leaves to LiteRT's own kernels is computed as these do it, and
 * {@link org.cspineedge.core.KernelFamily#REFERENCE}.
 *
 * <p>Loops are written for compilers that turn them into SIMD instructions by themselves, HotSpot's C2 and ART's: one
 * store a statement, whole arrays with one index, products of ints.
 */
package org.cspineedge.core.builtin;
