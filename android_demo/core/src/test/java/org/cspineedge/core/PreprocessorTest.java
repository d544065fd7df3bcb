package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PreprocessorTest {
    private static Preprocessor to(int width, int height) {
        return new Preprocessor(new Preprocessing(height, width, 3, Optional.empty(), 0, 1));
    }

    private static GreyImage image(int width, int height, int... levels) {
        byte[] pixels = new byte[levels.length];
        for (int i = 0; i < levels.length; i++) {
            pixels[i] = (byte) levels[i];
        }
        return new GreyImage(width, height, pixels);
    }

    private static int[] levels(GreyImage image) {
        int[] levels = new int[image.pixels().length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = image.pixels()[i] & 0xFF;
        }
        return levels;
    }

    @Test
    void anImageOfTheRightSizeIsLeftAlone() {
        GreyImage image = image(2, 1, 0, 255);
        assertSame(image, to(2, 1).resize(image));
    }

    @Test
    void onePixelFillsTheInput() {
        for (int level : new int[] {0, 1, 127, 128, 255}) {
            int[] expected = new int[224 * 96];
            Arrays.fill(expected, level);
            assertArrayEquals(expected, levels(to(224, 96).resize(image(1, 1, level))));
        }
    }

    @Test
    void aFlatImageStaysFlat() {
        for (int side = 1; side < 700; side += 13) {
            byte[] white = new byte[side * 3];
            Arrays.fill(white, (byte) 255);
            for (int level : levels(to(96, 96).resize(new GreyImage(side, 3, white)))) {
                assertEquals(255, level);
            }
        }
    }

    @Test
    void enlargingInterpolatesBetweenPixelCentres() {
        assertArrayEquals(new int[] {0, 64, 191, 255}, levels(to(4, 1).resize(image(2, 1, 0, 255))));
        assertArrayEquals(new int[] {0, 64, 191, 255}, levels(to(1, 4).resize(image(1, 2, 0, 255))));
    }

    @Test
    void reducingAveragesOverTheWholeSupport() {
        assertArrayEquals(new int[] {128}, levels(to(1, 1).resize(image(2, 1, 0, 255))));
        assertArrayEquals(new int[] {36, 128, 219}, levels(to(3, 1).resize(image(6, 1, 0, 51, 102, 153, 204, 255))));
    }

    @Test
    void rowsAreRoundedBeforeColumnsAreResized() {
        assertArrayEquals(new int[] {2}, levels(to(1, 1).resize(image(2, 2, 1, 2, 1, 0))));
    }

    @Test
    void everyChannelHoldsTheSameLevel() {
        assertArrayEquals(new byte[] {7, 7, 7, -1, -1, -1}, to(2, 1).tensor(image(2, 1, 7, 255)));
    }

    @Test
    void sizesThatDoNotFitAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new GreyImage(2, 2, new byte[3]));
        assertThrows(IllegalArgumentException.class, () -> new GreyImage(0, 1, new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> new GreyImage(1 << 16, 1 << 16, new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> to(0, 1));
        assertThrows(IllegalArgumentException.class, () -> to(1, Preprocessing.MAX_SIDE + 1));
    }
}
