package android.widget;

import android.content.Context;
import android.graphics.Canvas;
import android.util.AttributeSet;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Ellipse2D;

/** A slider. */
public class SeekBar extends AbsSeekBar {
    /** Told of changes. */
    public interface OnSeekBarChangeListener {
        /** It stands elsewhere. */
        void onProgressChanged(SeekBar bar, int progress, boolean fromUser);

        /** A finger is on it. */
        void onStartTrackingTouch(SeekBar bar);

        /** The finger is gone. */
        void onStopTrackingTouch(SeekBar bar);
    }

    private OnSeekBarChangeListener listener;

    /** As layouts make it. */
    public SeekBar(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Who is told of changes. */
    public void setOnSeekBarChangeListener(OnSeekBarChangeListener value) {
        listener = value;
    }

    @Override
    public void setProgress(int value) {
        move(value, false);
    }

    /** Not Android's: a finger moves it. */
    public void jvmDrag(int value) {
        listener.onStartTrackingTouch(this);
        move(value, true);
        listener.onStopTrackingTouch(this);
    }

    private void move(int value, boolean fromUser) {
        int before = getProgress();
        super.setProgress(value);
        if (listener != null && before != getProgress()) {
            listener.onProgressChanged(this, getProgress(), fromUser);
        }
    }

    @Override
    public boolean isClickable() {
        return true;
    }

    @Override
    protected int jvmEnds() {
        return 16;
    }

    @Override
    protected void onDraw(Canvas canvas) {
        super.onDraw(canvas);
        Graphics2D graphics = canvas.jvmGraphics();
        float density = getResources().getDisplayMetrics().density;
        float x = (16 + (getWidth() / density - 32) * getProgress() / getMax()) * density;
        graphics.setColor(new Color(RadioButton.jvmAccent(getContext()), true));
        graphics.fill(new Ellipse2D.Float(
                x - 8 * density, getHeight() / 2f - 8 * density, 16 * density, 16 * density));
    }
}
