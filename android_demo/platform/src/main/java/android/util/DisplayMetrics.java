package android.util;

/** The screen. */
public class DisplayMetrics {
    /** Pixels of a dp. */
    public float density;
    /** Pixels of an sp. */
    public float scaledDensity;
    /** Width in pixels. */
    public int widthPixels;
    /** Height in pixels. */
    public int heightPixels;
}
