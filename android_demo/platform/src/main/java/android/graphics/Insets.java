package android.graphics;

/** Distances from the four sides. */
public final class Insets {
    /** From the left. */
    public final int left;
    /** From the top. */
    public final int top;
    /** From the right. */
    public final int right;
    /** From the bottom. */
    public final int bottom;

    private Insets(int left, int top, int right, int bottom) {
        this.left = left;
        this.top = top;
        this.right = right;
        this.bottom = bottom;
    }

    /** In pixels. */
    public static Insets of(int left, int top, int right, int bottom) {
        return new Insets(left, top, right, bottom);
    }
}
