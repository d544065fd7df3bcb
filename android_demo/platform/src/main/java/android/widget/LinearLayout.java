package android.widget;

import android.content.Context;
import android.util.AttributeSet;
import android.view.View;
import android.view.ViewGroup;
import org.cspineedge.platform.XmlAttributes;

/** Views below one another; rows are not known here. */
public class LinearLayout extends ViewGroup {
    /** As layouts make it. */
    public LinearLayout(Context context, AttributeSet attributes) {
        super(context, attributes);
        if (!"vertical".equals(((XmlAttributes) attributes).text("orientation"))) {
            throw new UnsupportedOperationException("this stand-in has vertical layouts alone");
        }
    }

    @Override
    protected void onMeasure(int widthMeasureSpec, int heightMeasureSpec) {
        int used = 0;
        int width = 0;
        float weights = 0;
        for (int i = 0; i < getChildCount(); i++) {
            View child = getChildAt(i);
            MarginLayoutParams params = (MarginLayoutParams) child.getLayoutParams();
            if (child.getVisibility() == GONE) {
                continue;
            }
            weights += params.weight;
            if (params.weight == 0) {
                measureChildWithMargins(child, widthMeasureSpec, 0, heightMeasureSpec, used);
                used += child.getMeasuredHeight();
                width = Math.max(width, child.getMeasuredWidth() + params.leftMargin + params.rightMargin);
            }
            used += params.topMargin + params.bottomMargin;
        }
        int padding = getPaddingTop() + getPaddingBottom();
        int left = Math.max(0, MeasureSpec.getSize(heightMeasureSpec) - used - padding);
        for (int i = 0; i < getChildCount(); i++) {
            View child = getChildAt(i);
            MarginLayoutParams params = (MarginLayoutParams) child.getLayoutParams();
            if (child.getVisibility() != GONE && params.weight > 0) {
                int widthSpec = getChildMeasureSpec(
                        widthMeasureSpec, getPaddingLeft() + getPaddingRight() + params.leftMargin + params.rightMargin,
                        params.width);
                child.measure(
                        widthSpec, MeasureSpec.makeMeasureSpec((int) (left * params.weight / weights), MeasureSpec.EXACTLY));
                used += child.getMeasuredHeight();
            }
        }
        setMeasuredDimension(
                resolveSize(width + getPaddingLeft() + getPaddingRight(), widthMeasureSpec),
                resolveSize(used + padding, heightMeasureSpec));
    }

    @Override
    protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        int y = getPaddingTop();
        for (int i = 0; i < getChildCount(); i++) {
            View child = getChildAt(i);
            if (child.getVisibility() == GONE) {
                continue;
            }
            MarginLayoutParams params = (MarginLayoutParams) child.getLayoutParams();
            y += params.topMargin;
            int x = params.centered
                    ? (getWidth() - child.getMeasuredWidth()) / 2
                    : getPaddingLeft() + params.leftMargin;
            child.layout(x, y, x + child.getMeasuredWidth(), y + child.getMeasuredHeight());
            y += child.getMeasuredHeight() + params.bottomMargin;
        }
    }
}
