package android.util;

/** A width and a height. */
public final class Size {
    private final int width;
    private final int height;

    /** In pixels. */
    public Size(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** The width. */
    public int getWidth() {
        return width;
    }

    /** The height. */
    public int getHeight() {
        return height;
    }
}
