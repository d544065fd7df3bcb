package android.graphics;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Rectangle2D;

/** What views paint on; here Java2D. */
public class Canvas {
    private final Graphics2D graphics;

    /** Not Android's. */
    public Canvas(Graphics2D graphics) {
        this.graphics = graphics;
    }

    /** Paints a rectangle. */
    public void drawRect(float left, float top, float right, float bottom, Paint paint) {
        graphics.setColor(new Color(paint.color(), true));
        Rectangle2D rectangle = new Rectangle2D.Float(left, top, right - left, bottom - top);
        if (paint.style() == Paint.Style.FILL) {
            graphics.fill(rectangle);
        } else {
            graphics.setStroke(new BasicStroke(paint.strokeWidth()));
            graphics.draw(rectangle);
        }
    }

    /** Not Android's. */
    public Graphics2D jvmGraphics() {
        return graphics;
    }
}
