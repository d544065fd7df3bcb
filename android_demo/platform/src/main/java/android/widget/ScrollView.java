package android.widget;

import android.content.Context;
import android.util.AttributeSet;
import android.view.View;

/** A window on a view that is higher. */
public class ScrollView extends FrameLayout {
    private int scroll;

    /** As layouts make it. */
    public ScrollView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    @Override
    protected void onMeasure(int widthMeasureSpec, int heightMeasureSpec) {
        View child = getChildAt(0);
        child.measure(
                getChildMeasureSpec(widthMeasureSpec, 0, LayoutParams.MATCH_PARENT),
                MeasureSpec.makeMeasureSpec(0, MeasureSpec.UNSPECIFIED));
        setMeasuredDimension(
                MeasureSpec.getSize(widthMeasureSpec), resolveSize(child.getMeasuredHeight(), heightMeasureSpec));
    }

    @Override
    protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        View child = getChildAt(0);
        scroll = Math.max(0, Math.min(scroll, child.getMeasuredHeight() - getHeight()));
        child.layout(0, -scroll, child.getMeasuredWidth(), child.getMeasuredHeight() - scroll);
    }

    /** Not Android's: scrolls at the next layout, as far as there is something. */
    public void jvmScrollTo(int y) {
        scroll = y;
    }
}
