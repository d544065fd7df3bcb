package android.graphics;

import android.os.Build;

/** Colour spaces; here sRGB alone, and nothing is converted. */
public abstract class ColorSpace {
    private static final Rgb SRGB = new Rgb();

    /** Known ones. */
    public enum Named {
        /** That of screens. */
        SRGB
    }

    /** A known one. */
    public static ColorSpace get(Named name) {
        Build.jvmSince(Build.VERSION_CODES.O);
        return SRGB;
    }

    /** A space of three primaries. */
    public static class Rgb extends ColorSpace {
        private final TransferParameters transfer = new TransferParameters();

        Rgb() {}

        /** Its curve, or null if it has no such form. */
        public TransferParameters getTransferParameters() {
            return transfer;
        }

        /** A curve. */
        public static class TransferParameters {
            TransferParameters() {}
        }
    }
}
