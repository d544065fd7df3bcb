package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class GreysTest {
    /** Two rows of three. */
    private static final GreyImage IMAGE = new GreyImage(3, 2, new byte[] {1, 2, 3, 4, 5, 6});

    @Test
    void greyKeepsItsLevelWhateverItsAlpha() {
        int[] argb = new int[256];
        for (int level = 0; level < 256; level++) {
            argb[level] = (level * 7 % 256) << 24 | level << 16 | level << 8 | level;
        }
        byte[] levels = Greys.fromArgb(argb, 64, 4).pixels();
        for (int level = 0; level < 256; level++) {
            assertEquals((byte) level, levels[level]);
        }
    }

    @Test
    void coloursAreWeighedAsTheStandardHasIt() {
        byte[] levels = Greys.fromArgb(new int[] {0xFFFF0000, 0xFF00FF00, 0xFF0000FF}, 3, 1).pixels();
        assertArrayEquals(new byte[] {76, (byte) 150, 29}, levels);
    }

    @Test
    void squaresAreCutOut() {
        assertArrayEquals(new byte[] {2, 3, 5, 6}, Greys.cropSquare(IMAGE, 1, 0, 2).pixels());
        assertArrayEquals(new byte[] {4}, Greys.cropSquare(IMAGE, 0, 1, 1).pixels());
        for (int[] place : new int[][] {{2, 0, 2}, {0, 1, 2}, {-1, 0, 1}, {0, -1, 1}, {0, 0, 0}, {0, 0, 1 << 30}}) {
            assertThrows(
                    IllegalArgumentException.class, () -> Greys.cropSquare(IMAGE, place[0], place[1], place[2]));
        }
    }

    @Test
    void turnsAreClockwise() {
        GreyImage once = Greys.rotate(IMAGE, 1);
        assertEquals(2, once.width());
        assertEquals(3, once.height());
        assertArrayEquals(new byte[] {4, 1, 5, 2, 6, 3}, once.pixels());
        assertArrayEquals(new byte[] {6, 5, 4, 3, 2, 1}, Greys.rotate(IMAGE, 2).pixels());
        assertArrayEquals(new byte[] {3, 6, 2, 5, 1, 4}, Greys.rotate(IMAGE, -1).pixels());
        assertArrayEquals(Greys.rotate(IMAGE, 3).pixels(), Greys.rotate(IMAGE, -1).pixels());
        assertSame(IMAGE, Greys.rotate(IMAGE, -4));
    }
}
