package org.cspineedge.core;

/** Grey images out of coloured ones, and parts and turns of them. */
public final class Greys {
    private Greys() {}

    /**
     * Makes a picture grey as the toolkit does: Pillow's conversion to mode {@code L}, which is ITU-R BT.601 luma in
     * 16 bits of fixed point, {@code (19595 R + 38470 G + 7471 B + 32768) >> 16}. Alpha is dropped.
     *
     * <p>A grey pixel keeps its level, so that the result is the toolkit's to the bit for grey and coloured pictures
     * of 8 bits, if the decoder gives the stored values: not multiplied by alpha ({@code inPremultiplied = false}) and
     * not converted from a colour profile of the file. What a decoder has done before is out of reach here: Android
     * reduces PNGs of 16 bits to 8 in its own way (the toolkit scales by 255 / 65535 and rounds), and looks up palettes
     * itself.
     *
     * @param argb pixels as {@code android.graphics.Color} has them, row by row from the top left
     * @throws IllegalArgumentException if there are not {@code width * height} of them
     */
    public static GreyImage fromArgb(int[] argb, int width, int height) {
        byte[] levels = new byte[argb.length];
        for (int i = 0; i < argb.length; i++) {
            int pixel = argb[i];
            int red = pixel >> 16 & 0xFF;
            int green = pixel >> 8 & 0xFF;
            int blue = pixel & 0xFF;
            levels[i] = (byte) (red * 19595 + green * 38470 + blue * 7471 + 0x8000 >> 16);
        }
        return new GreyImage(width, height, levels);
    }

    /**
     * Cuts out a square.
     *
     * @param left first column
     * @param top first row
     * @param side in pixels, at least 1
     * @throws IllegalArgumentException if it is not all inside the image
     */
    public static GreyImage cropSquare(GreyImage image, int left, int top, int side) {
        if (left < 0 || top < 0 || side < 1 || side > image.width() - left || side > image.height() - top) {
            throw new IllegalArgumentException("a square of " + side + " pixels at " + left + ", " + top
                    + " is not inside " + image.width() + " x " + image.height() + " pixels");
        }
        byte[] levels = new byte[side * side];
        for (int y = 0; y < side; y++) {
            System.arraycopy(image.pixels(), (top + y) * image.width() + left, levels, y * side, side);
        }
        return new GreyImage(side, side, levels);
    }

    /**
     * Turns an image clockwise.
     *
     * @param quarterTurns turns by 90 degrees; negative ones are counter-clockwise
     * @return the image itself if it comes out as it is
     */
    public static GreyImage rotate(GreyImage image, int quarterTurns) {
        int width = image.width();
        int height = image.height();
        byte[] source = image.pixels();
        byte[] levels = new byte[source.length];
        int turns = Math.floorMod(quarterTurns, 4);
        if (turns == 0) {
            return image;
        }
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int to = switch (turns) {
                    case 1 -> x * height + height - 1 - y;
                    case 2 -> (height - 1 - y) * width + width - 1 - x;
                    default -> (width - 1 - x) * height + y;
                };
                levels[to] = source[y * width + x];
            }
        }
        return turns == 2 ? new GreyImage(width, height, levels) : new GreyImage(height, width, levels);
    }
}
