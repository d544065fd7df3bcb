package android.widget;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.drawable.Drawable;
import android.util.AttributeSet;
import android.view.View;
import java.awt.Graphics2D;
import java.awt.RenderingHints;

/** A picture, in its proportions and as large as there is room. */
public class ImageView extends View {
    private Bitmap bitmap;

    /** As layouts make it. */
    public ImageView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Sets the picture. */
    public void setImageBitmap(Bitmap value) {
        bitmap = value;
    }

    /** Takes the picture away: other drawables are not known here. */
    public void setImageDrawable(Drawable value) {
        if (value != null) {
            throw new UnsupportedOperationException("this stand-in shows bitmaps alone");
        }
        bitmap = null;
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (bitmap == null) {
            return;
        }
        double scale = Math.min(
                (double) getWidth() / bitmap.getWidth(), (double) getHeight() / bitmap.getHeight());
        int width = (int) Math.round(bitmap.getWidth() * scale);
        int height = (int) Math.round(bitmap.getHeight() * scale);
        Graphics2D graphics = canvas.jvmGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        graphics.drawImage(
                bitmap.jvmImage(), (getWidth() - width) / 2, (getHeight() - height) / 2, width, height, null);
    }
}
