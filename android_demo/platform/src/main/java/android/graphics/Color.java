package android.graphics;

/** Colours as numbers: alpha, red, green, blue. */
public class Color {
    /** Nothing. */
    public static final int TRANSPARENT = 0;
}
