package android.graphics;

import java.awt.image.BufferedImage;

/** A picture in memory. */
public final class Bitmap {
    /** How pixels are kept. */
    public enum Config {
        /** Four bytes. */
        ARGB_8888
    }

    private final BufferedImage image;

    Bitmap(BufferedImage image) {
        this.image = image;
    }

    /** From colours, row by row. */
    public static Bitmap createBitmap(int[] colors, int width, int height, Config config) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, width, height, colors, 0, width);
        return new Bitmap(image);
    }

    /** The width in pixels. */
    public int getWidth() {
        return image.getWidth();
    }

    /** The height in pixels. */
    public int getHeight() {
        return image.getHeight();
    }

    /** Copies colours of a part, not multiplied by alpha. */
    public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
        image.getRGB(x, y, width, height, pixels, offset, stride);
    }

    /** Gives the memory back; here the collector does. */
    public void recycle() {}

    /** Not Android's. */
    public BufferedImage jvmImage() {
        return image;
    }
}
