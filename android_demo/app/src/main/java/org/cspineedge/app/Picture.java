package org.cspineedge.app;

import android.graphics.Bitmap;
import org.cspineedge.core.GreyImage;

/**
 * A picture to be judged.
 *
 * @param name what to call it
 * @param grey what the model gets to see
 * @param shrunk by how much its sides were divided when it was decoded; 1 as a rule
 * @param shown the same for the screen
 */
record Picture(String name, GreyImage grey, int shrunk, Bitmap shown) {
    private static final int LONGEST_SHOWN = 1024;

    static Picture of(String name, GreyImage grey, int shrunk) {
        int longest = Math.max(grey.width(), grey.height());
        int step = (longest + LONGEST_SHOWN - 1) / LONGEST_SHOWN;
        int width = Math.max(1, grey.width() / step);
        int height = Math.max(1, grey.height() / step);
        int[] colors = new int[width * height];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int level = grey.pixels()[y * step * grey.width() + x * step] & 0xFF;
                colors[y * width + x] = 0xFF000000 | level * 0x010101;
            }
        }
        return new Picture(name, grey, shrunk, Bitmap.createBitmap(colors, width, height, Bitmap.Config.ARGB_8888));
    }
}
