package org.cspineedge.app;

import android.content.Context;
import android.util.AttributeSet;
import android.widget.FrameLayout;

/** A square as wide as there is room, but so that something of what is below it stays in sight. */
public final class SquareFrame extends FrameLayout {
    private static final float PART_OF_HEIGHT = 0.6f;

    /** As layouts make it. */
    public SquareFrame(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    @Override
    protected void onMeasure(int widthMeasureSpec, int heightMeasureSpec) {
        int highest = Math.round(getResources().getDisplayMetrics().heightPixels * PART_OF_HEIGHT);
        int side = Math.min(MeasureSpec.getSize(widthMeasureSpec), highest);
        int exactly = MeasureSpec.makeMeasureSpec(side, MeasureSpec.EXACTLY);
        super.onMeasure(exactly, exactly);
    }
}
