package org.cspineedge.core.builtin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RescaleTest {
    private static byte[] stored(Rescale rescale, int... sums) {
        byte[] out = new byte[sums.length];
        for (int i = 0; i < sums.length; i++) {
            rescale.store(sums, i, 1, 0, out, i);
        }
        byte[] spread = new byte[2 * sums.length];
        rescale.store(sums, sums.length, 0, spread, 1, 2);
        for (int i = 0; i < sums.length; i++) {
            spread[i] = spread[2 * i + 1];
        }
        assertArrayEquals(out, Arrays.copyOf(spread, sums.length)); // along pixels as along channels
        return out;
    }

    @Test
    void xnnpackTakesHalvesToTheEvenBeforeTheZeroPoint() {
        Rescale rescale = new Rescale.Single(new float[] {0.5f}, 1, -128, 127);
        assertArrayEquals(new byte[] {-1, 1, 1, 1, 3, 3, 3, 5}, stored(rescale, -5, -1, 0, 1, 3, 4, 5, 7));
    }

    @Test
    void whatIsFarOutsideIsClamped() {
        Rescale rescale = new Rescale.Single(new float[] {255f}, -3, -100, 90);
        byte[] expected = {90, -100, 90, -100, -3};
        assertArrayEquals(expected, stored(rescale, Integer.MAX_VALUE, Integer.MIN_VALUE, 1, -1, 0));
    }

    @Test
    void referenceKernelsTakeHalvesUpOrAwayFromZero() {
        Rescale fixed = new Rescale.Fixed(new FixedPoint[] {FixedPoint.of(0.5)}, 0, -128, 127);
        assertArrayEquals(new byte[] {-2, 0, 0, 1, 2, 3}, stored(fixed, -5, -1, 0, 1, 3, 5));
        Rescale real = new Rescale.Double(new double[] {0.5}, 0, -128, 127);
        assertArrayEquals(new byte[] {-3, -1, 0, 1, 2, 3}, stored(real, -5, -1, 0, 1, 3, 5));
    }
}
