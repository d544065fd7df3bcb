package android.graphics;

/** A rectangle. */
public class RectF {
    /** First column. */
    public float left;
    /** First row. */
    public float top;
    /** Column after the last. */
    public float right;
    /** Row after the last. */
    public float bottom;

    /** From its four sides. */
    public RectF(float left, float top, float right, float bottom) {
        this.left = left;
        this.top = top;
        this.right = right;
        this.bottom = bottom;
    }
}
