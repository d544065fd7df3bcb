package org.cspineedge.app;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import org.cspineedge.core.GreyImage;
import org.cspineedge.core.Greys;

/** The square over the camera's picture that is cut out of it. */
public final class GuideView extends View {
    /** Side of the guide as a part of the stage's, which shows the largest square in the camera's middle. */
    private static final float PART = 0.84f;

    private final Paint shade = new Paint();
    private final Paint line = new Paint(Paint.ANTI_ALIAS_FLAG);

    /** As layouts make it. */
    public GuideView(Context context, AttributeSet attributes) {
        super(context, attributes);
        shade.setColor(context.getColor(R.color.guide_shade));
        line.setColor(context.getColor(R.color.guide_line));
        line.setStyle(Paint.Style.STROKE);
        line.setStrokeWidth(2 * getResources().getDisplayMetrics().density);
    }

    /** The part of an upright camera picture that lies in the guide. */
    static GreyImage cut(GreyImage upright) {
        int side = Math.max(1, Math.round(Math.min(upright.width(), upright.height()) * PART));
        return Greys.cropSquare(upright, (upright.width() - side) / 2, (upright.height() - side) / 2, side);
    }

    @Override
    protected void onDraw(Canvas canvas) {
        float width = getWidth();
        float height = getHeight();
        float side = Math.min(width, height) * PART;
        float left = (width - side) / 2;
        float top = (height - side) / 2;
        canvas.drawRect(0, 0, width, top, shade);
        canvas.drawRect(0, top + side, width, height, shade);
        canvas.drawRect(0, top, left, top + side, shade);
        canvas.drawRect(left + side, top, width, top + side, shade);
        canvas.drawRect(left, top, left + side, top + side, line);
    }
}
