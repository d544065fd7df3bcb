package org.cspineedge.core;

/** A grey image: unsigned bytes, 0 black to 255 white, row by row from the top left. */
public final class GreyImage {
    private final int width;
    private final int height;
    private final byte[] pixels;

    /**
     * @param width width in pixels, at least 1
     * @param height height in pixels, at least 1
     * @param pixels {@code width * height} grey levels, which are held and not copied
     * @throws IllegalArgumentException if the sizes do not fit together
     */
    public GreyImage(int width, int height, byte[] pixels) {
        if (width < 1 || height < 1 || (long) width * height != pixels.length) {
            throw new IllegalArgumentException(
                    width + " x " + height + " pixels cannot have " + pixels.length + " grey levels");
        }
        this.width = width;
        this.height = height;
        this.pixels = pixels;
    }

    /** Width in pixels. */
    public int width() {
        return width;
    }

    /** Height in pixels. */
    public int height() {
        return height;
    }

    /** The grey levels themselves, not a copy. */
    public byte[] pixels() {
        return pixels;
    }
}
