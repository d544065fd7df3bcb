package android.graphics;

/** How something is painted. */
public class Paint {
    /** Smooth edges. */
    public static final int ANTI_ALIAS_FLAG = 1;

    /** Areas or lines. */
    public enum Style {
        /** Areas. */
        FILL,
        /** Lines. */
        STROKE
    }

    private int color = 0xFF000000;
    private Style style = Style.FILL;
    private float strokeWidth;

    /** Paints areas black. */
    public Paint() {}

    /** @param flags are passed over: edges are always smooth here */
    public Paint(int flags) {}

    /** Sets the colour. */
    public void setColor(int value) {
        color = value;
    }

    /** Areas or lines. */
    public void setStyle(Style value) {
        style = value;
    }

    /** Width of lines in pixels. */
    public void setStrokeWidth(float value) {
        strokeWidth = value;
    }

    int color() {
        return color;
    }

    Style style() {
        return style;
    }

    float strokeWidth() {
        return strokeWidth;
    }
}
