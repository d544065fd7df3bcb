package android.graphics.drawable;

import java.awt.Graphics2D;

/** Something that can be painted into a rectangle. */
public abstract class Drawable {
    /** Not Android's. */
    public abstract void jvmPaint(Graphics2D graphics, int width, int height, boolean enabled);
}
