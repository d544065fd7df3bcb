package org.cspineedge.core.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FixedPointTest {
    @Test
    void aFactorIsAFractionOfThirtyOneBitsAndAShift() {
        assertEquals(new FixedPoint(1 << 30, 0), FixedPoint.of(0.5));
        assertEquals(new FixedPoint(1 << 30, 1), FixedPoint.of(1));
        assertEquals(new FixedPoint(3 << 29, -1), FixedPoint.of(0.375));
        assertEquals(new FixedPoint(1 << 30, 1), FixedPoint.of(Math.nextDown(1.0))); // rounded up to the next power
        assertEquals(new FixedPoint(0, 0), FixedPoint.of(1e-20));
        assertEquals(new FixedPoint(0, 0), FixedPoint.of(0));
    }

    @Test
    void halvesGoAwayFromZeroInDivisionsAndUpInProducts() {
        assertEquals(2, FixedPoint.dividedByPowerOfTwo(3, 1));
        assertEquals(-2, FixedPoint.dividedByPowerOfTwo(-3, 1));
        assertEquals(-1, FixedPoint.dividedByPowerOfTwo(-5, 2));
        assertEquals(3, FixedPoint.of(0.5).times(5));
        assertEquals(-2, FixedPoint.of(0.5).times(-5));
        assertEquals(20, FixedPoint.of(4).times(5));
    }

    @Test
    void productsAreRoundedTwice() {
        assertEquals(87, FixedPoint.of(86.49977182704684 / 57121).times(57121)); // once would give 86
    }

    @Test
    void theOnlyProductThatDoesNotFitIsSaturated() {
        assertEquals(Integer.MAX_VALUE, FixedPoint.doublingHigh(Integer.MIN_VALUE, Integer.MIN_VALUE));
        assertEquals(1 << 29, FixedPoint.doublingHigh(1 << 30, 1 << 30));
    }
}
