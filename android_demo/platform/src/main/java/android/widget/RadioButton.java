package android.widget;

import android.content.Context;
import android.graphics.Canvas;
import android.util.AttributeSet;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Ellipse2D;

/** One of several. */
public class RadioButton extends CompoundButton {
    private final int accent;

    /** As layouts make it. */
    public RadioButton(Context context, AttributeSet attributes) {
        super(context, attributes);
        accent = jvmAccent(context);
    }

    static int jvmAccent(Context context) {
        return context.getResources().jvmFolder()
                .color("@color/accent", context.getResources().jvmConfiguration().night());
    }

    @Override
    public boolean isClickable() {
        return true;
    }

    @Override
    public boolean performClick() {
        setChecked(true);
        return super.performClick();
    }

    @Override
    protected int jvmIndent() {
        return Math.round(32 * getResources().getDisplayMetrics().density);
    }

    @Override
    protected void onDraw(Canvas canvas) {
        super.onDraw(canvas);
        Graphics2D graphics = canvas.jvmGraphics();
        float density = getResources().getDisplayMetrics().density;
        graphics.setColor(new Color(accent, true));
        graphics.setStroke(new BasicStroke(2 * density));
        float middle = getHeight() / 2f;
        graphics.draw(new Ellipse2D.Float(6 * density, middle - 9 * density, 18 * density, 18 * density));
        if (isChecked()) {
            graphics.fill(new Ellipse2D.Float(10 * density, middle - 5 * density, 10 * density, 10 * density));
        }
    }
}
