package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import java.util.zip.DataFormatException;
import org.junit.jupiter.api.Test;

class GreyPngTest {
    private static GreyImage noise(int width, int height) {
        byte[] levels = new byte[width * height];
        new Random(5).nextBytes(levels);
        return new GreyImage(width, height, levels);
    }

    @Test
    void whatIsWrittenIsReadBack() throws DataFormatException {
        for (int[] size : new int[][] {{1, 1}, {7, 3}, {300, 200}}) {
            GreyImage image = noise(size[0], size[1]);
            GreyImage back = GreyPng.decode(GreyPng.encode(image));
            assertEquals(image.width(), back.width());
            assertEquals(image.height(), back.height());
            assertArrayEquals(image.pixels(), back.pixels());
        }
    }

    @Test
    void noCutAndNoFlippedBitGoesUnnoticed() {
        byte[] png = GreyPng.encode(noise(9, 8));
        for (int length = 0; length < png.length; length++) {
            byte[] cut = Arrays.copyOf(png, length);
            assertThrows(DataFormatException.class, () -> GreyPng.decode(cut));
        }
        for (int bit = 0; bit < png.length * 8; bit++) {
            byte[] flipped = png.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            DataFormatException error = assertThrows(DataFormatException.class, () -> GreyPng.decode(flipped));
            assertFalse(error.getMessage().isEmpty());
        }
    }

    @Test
    void sidesThatNoInputHasAreRefusedBeforeTheirPixelsAreHeld() {
        byte[] png = GreyPng.encode(new GreyImage(GreyPng.MAX_SIDE + 1, 1, new byte[GreyPng.MAX_SIDE + 1]));
        DataFormatException error = assertThrows(DataFormatException.class, () -> GreyPng.decode(png));
        assertEquals("its sides are not 1 to 4096 pixels", error.getMessage());
    }
}
