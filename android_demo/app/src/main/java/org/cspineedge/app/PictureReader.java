package org.cspineedge.app;

import android.annotation.TargetApi;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.ColorSpace;
import android.media.ExifInterface;
import android.net.Uri;
import android.os.Build;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import org.cspineedge.core.GreyImage;
import org.cspineedge.core.Greys;

/** From a picture's file to grey levels, as the toolkit reads the same file wherever Android's decoder lets it. */
final class PictureReader {
    /** Longest file that is read, in bytes. */
    static final int LARGEST_FILE = 64 * 1024 * 1024;

    /** Pixels above which a file is refused before it is decoded; the toolkit's limit. */
    static final long MOST_PIXELS = 64L * 1024 * 1024;

    /** Pixels that are decoded at once; a larger picture is shrunk by the decoder, and its verdict card says so. */
    static final long MOST_DECODED = 16L * 1024 * 1024;

    private static final int BAND = 256; // rows

    private final Documents documents;

    PictureReader(Documents documents) {
        this.documents = documents;
    }

    /**
     * Reads a picture and turns it upright.
     *
     * @throws TroubleException if it is too large, foreign, broken or cut short
     */
    Picture read(Uri uri) throws TroubleException {
        String name = documents.name(uri);
        byte[] file = documents.read(uri, LARGEST_FILE);
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        BitmapFactory.decodeByteArray(file, 0, file.length, options);
        if (options.outWidth < 1 || options.outHeight < 1) {
            throw new TroubleException(R.string.picture_foreign, name);
        }
        long pixels = (long) options.outWidth * options.outHeight;
        if (pixels > MOST_PIXELS) {
            throw new TroubleException(R.string.picture_too_large, name, options.outWidth, options.outHeight);
        }
        if (!Wholeness.isWhole(file)) { // the decoder would fill up the rest and say nothing
            throw new TroubleException(R.string.picture_broken, name);
        }
        int shrunk = 1;
        while (pixels / ((long) shrunk * shrunk) > MOST_DECODED) {
            shrunk *= 2;
        }
        try {
            return Picture.of(name, upright(decode(file, options, shrunk, name), orientation(file)), shrunk);
        } catch (OutOfMemoryError tooLargeForThisPhone) {
            throw new TroubleException(R.string.picture_too_large, name, options.outWidth, options.outHeight);
        }
    }

    private static GreyImage decode(byte[] file, BitmapFactory.Options bounds, int shrunk, String name)
            throws TroubleException {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inSampleSize = shrunk;
        options.inScaled = false;
        options.inPreferredConfig = Bitmap.Config.ARGB_8888; // in memory, never a hardware bitmap
        options.inPremultiplied = false; // the toolkit drops alpha
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
            options.inPreferredColorSpace = stored(bounds.outColorSpace);
        }
        Bitmap bitmap = BitmapFactory.decodeByteArray(file, 0, file.length, options);
        if (bitmap == null) {
            throw new TroubleException(R.string.picture_broken, name);
        }
        try {
            return grey(bitmap);
        } finally {
            bitmap.recycle();
        }
    }

    /** The file's own colour space, so that levels come out as they are stored; sRGB if it cannot be asked for. */
    @TargetApi(Build.VERSION_CODES.O)
    private static ColorSpace stored(ColorSpace ofFile) {
        boolean known = ofFile instanceof ColorSpace.Rgb rgb && rgb.getTransferParameters() != null;
        return known ? ofFile : ColorSpace.get(ColorSpace.Named.SRGB);
    }

    /** In bands of rows, so that the colours are not held twice. */
    private static GreyImage grey(Bitmap bitmap) {
        int width = bitmap.getWidth();
        int height = bitmap.getHeight();
        byte[] levels = new byte[width * height];
        for (int top = 0; top < height; top += BAND) {
            int rows = Math.min(BAND, height - top);
            int[] colors = new int[width * rows];
            bitmap.getPixels(colors, 0, width, 0, top, width, rows);
            System.arraycopy(Greys.fromArgb(colors, width, rows).pixels(), 0, levels, top * width, width * rows);
        }
        return new GreyImage(width, height, levels);
    }

    private static int orientation(byte[] file) {
        try {
            return new ExifInterface(new ByteArrayInputStream(file))
                    .getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL);
        } catch (IOException none) {
            return ExifInterface.ORIENTATION_NORMAL;
        }
    }

    /** Turns and mirrors a picture as its EXIF orientation says (CIPA DC-008, tag 0112). */
    static GreyImage upright(GreyImage image, int orientation) {
        return switch (orientation) {
            case ExifInterface.ORIENTATION_FLIP_HORIZONTAL -> mirror(image);
            case ExifInterface.ORIENTATION_ROTATE_180 -> Greys.rotate(image, 2);
            case ExifInterface.ORIENTATION_FLIP_VERTICAL -> Greys.rotate(mirror(image), 2);
            case ExifInterface.ORIENTATION_TRANSPOSE -> Greys.rotate(mirror(image), 3);
            case ExifInterface.ORIENTATION_ROTATE_90 -> Greys.rotate(image, 1);
            case ExifInterface.ORIENTATION_TRANSVERSE -> Greys.rotate(mirror(image), 1);
            case ExifInterface.ORIENTATION_ROTATE_270 -> Greys.rotate(image, 3);
            default -> image;
        };
    }

    private static GreyImage mirror(GreyImage image) {
        int width = image.width();
        byte[] levels = new byte[image.pixels().length];
        for (int i = 0; i < levels.length; i++) {
            int x = i % width;
            levels[i] = image.pixels()[i - x + width - 1 - x];
        }
        return new GreyImage(width, image.height(), levels);
    }
}
