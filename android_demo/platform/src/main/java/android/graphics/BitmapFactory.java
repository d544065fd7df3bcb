package android.graphics;

import android.os.Build;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Decodes pictures, with ImageIO. The values are those that the file stores, as Skia gives them for a file without colour
 * profile; a palette is looked up, and 16 bits are rounded to 8.
 */
public class BitmapFactory {
    /** What to do, and what was found. */
    public static class Options {
        /** Only find the size. */
        public boolean inJustDecodeBounds;
        /** By what to divide the sides. */
        public int inSampleSize;
        /** Whether the screen's density changes the size; never here. */
        public boolean inScaled = true;
        /** Whether colours are multiplied by alpha; never here. */
        public boolean inPremultiplied = true;
        /** How pixels are kept. */
        public Bitmap.Config inPreferredConfig = Bitmap.Config.ARGB_8888;
        /** The colour space that is wanted; passed over here. */
        public ColorSpace inPreferredColorSpace;
        /** Width that was found, or -1. */
        public int outWidth = -1;
        /** Height that was found, or -1. */
        public int outHeight = -1;
        /** The file's colour space. */
        public ColorSpace outColorSpace;
    }

    /** Decodes a file's content; null if it is none, or only its size is wanted. */
    public static Bitmap decodeByteArray(byte[] data, int offset, int length, Options options) {
        int step = Math.max(1, options.inSampleSize);
        try (ImageInputStream stream =
                ImageIO.createImageInputStream(new ByteArrayInputStream(data, offset, length))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
            if (!readers.hasNext()) {
                return null;
            }
            ImageReader reader = readers.next();
            reader.setInput(stream);
            options.outWidth = reader.getWidth(0) / step;
            options.outHeight = reader.getHeight(0) / step;
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
                options.outColorSpace = ColorSpace.get(ColorSpace.Named.SRGB);
            }
            return options.inJustDecodeBounds ? null : new Bitmap(stored(reader.read(0), step));
        } catch (IOException | RuntimeException broken) {
            return null;
        }
    }

    private static BufferedImage stored(BufferedImage image, int step) {
        BufferedImage colors =
                new BufferedImage(image.getWidth() / step, image.getHeight() / step, BufferedImage.TYPE_INT_ARGB);
        Raster raster = image.getRaster();
        boolean palette = image.getColorModel() instanceof IndexColorModel;
        int bands = raster.getNumBands();
        for (int y = 0; y < colors.getHeight(); y++) {
            for (int x = 0; x < colors.getWidth(); x++) {
                if (palette) {
                    colors.setRGB(x, y, image.getRGB(x * step, y * step));
                    continue;
                }
                int red = level(raster, x * step, y * step, 0);
                int green = bands > 2 ? level(raster, x * step, y * step, 1) : red;
                int blue = bands > 2 ? level(raster, x * step, y * step, 2) : red;
                int alpha = bands % 2 == 0 ? level(raster, x * step, y * step, bands - 1) : 255;
                colors.setRGB(x, y, alpha << 24 | red << 16 | green << 8 | blue);
            }
        }
        return colors;
    }

    private static int level(Raster raster, int x, int y, int band) {
        long largest = (1L << raster.getSampleModel().getSampleSize(band)) - 1;
        return (int) ((raster.getSample(x, y, band) * 255L + largest / 2) / largest);
    }
}
