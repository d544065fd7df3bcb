package android.widget;

import android.content.Context;
import android.graphics.Canvas;
import android.util.AttributeSet;
import android.view.View;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Arc2D;
import java.awt.geom.Rectangle2D;
import org.cspineedge.platform.XmlAttributes;

/** How far something is; a ring if nobody knows. */
public class ProgressBar extends View {
    private final boolean indeterminate;
    private final int accent;
    private int max;
    private int progress;

    /** As layouts make it. */
    public ProgressBar(Context context, AttributeSet attributes) {
        super(context, attributes);
        XmlAttributes xml = (XmlAttributes) attributes;
        indeterminate = xml.flag("indeterminate");
        max = (int) xml.number("max", 100);
        accent = RadioButton.jvmAccent(context);
    }

    /** Sets how far it is. */
    public void setProgress(int value) {
        progress = Math.max(0, Math.min(max, value));
    }

    /** How far it is. */
    public int getProgress() {
        return progress;
    }

    /** The whole of it. */
    public int getMax() {
        return max;
    }

    @Override
    protected void onMeasure(int widthMeasureSpec, int heightMeasureSpec) {
        int size = Math.round((indeterminate ? 48 : 16) * getResources().getDisplayMetrics().density);
        setMeasuredDimension(
                resolveSize(size, widthMeasureSpec),
                resolveSize(Math.max(getMinimumHeight(), size), heightMeasureSpec));
    }

    @Override
    protected void onDraw(Canvas canvas) {
        Graphics2D graphics = canvas.jvmGraphics();
        float density = getResources().getDisplayMetrics().density;
        graphics.setColor(new Color(accent, true));
        if (indeterminate) {
            graphics.setStroke(new BasicStroke(4 * density));
            float side = getHeight() - 12 * density;
            graphics.draw(new Arc2D.Float(6 * density, 6 * density, side, side, 45, 270, Arc2D.OPEN));
            return;
        }
        float middle = getHeight() / 2f;
        float room = getWidth() - 2 * jvmEnds() * density;
        float done = room * progress / max;
        graphics.fill(new Rectangle2D.Float(jvmEnds() * density, middle - 2 * density, done, 4 * density));
        graphics.setColor(new Color(accent & 0xFFFFFF | 0x40000000, true));
        graphics.fill(new Rectangle2D.Float(
                jvmEnds() * density + done, middle - 2 * density, room - done, 4 * density));
    }

    /** Not Android's: room for a thumb on each end, in dp. */
    protected int jvmEnds() {
        return 0;
    }
}
