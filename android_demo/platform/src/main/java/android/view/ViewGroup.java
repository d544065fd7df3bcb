package android.view;

import android.content.Context;
import android.util.AttributeSet;
import java.awt.Graphics2D;
import java.util.ArrayList;
import java.util.List;
import org.cspineedge.platform.XmlAttributes;

/** A view of views. */
public abstract class ViewGroup extends View {
    private final List<View> children = new ArrayList<>();
    private boolean attached;

    /** As layouts make it. */
    public ViewGroup(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Adds a view at the end. */
    public void addView(View child) {
        if (child.parent != null) {
            throw new IllegalStateException("the view has a parent already");
        }
        child.parent = this;
        if (child.getLayoutParams() == null) {
            child.setLayoutParams(new MarginLayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT));
        }
        children.add(child);
        if (attached) {
            child.jvmAttached(true);
        }
    }

    /** Takes all views out. */
    public void removeAllViews() {
        for (View child : children) {
            child.parent = null;
            child.jvmAttached(false);
        }
        children.clear();
    }

    /** Number of views. */
    public int getChildCount() {
        return children.size();
    }

    /** A view. */
    public View getChildAt(int index) {
        return children.get(index);
    }

    /** What this group wants to know of a child. */
    public LayoutParams generateLayoutParams(AttributeSet attributes) {
        return new MarginLayoutParams((XmlAttributes) attributes);
    }

    @Override
    protected View jvmFind(int wanted) {
        View found = super.jvmFind(wanted);
        for (int i = 0; found == null && i < children.size(); i++) {
            found = children.get(i).jvmFind(wanted);
        }
        return found;
    }

    @Override
    protected void jvmAttached(boolean now) {
        attached = now;
        for (View child : children) {
            child.jvmAttached(now);
        }
    }

    /** Room for a child of this length in its layout. */
    public static int getChildMeasureSpec(int spec, int padding, int length) {
        int room = Math.max(0, MeasureSpec.getSize(spec) - padding);
        int mode = MeasureSpec.getMode(spec);
        if (length >= 0) {
            return MeasureSpec.makeMeasureSpec(length, MeasureSpec.EXACTLY);
        }
        if (mode == MeasureSpec.UNSPECIFIED) {
            return MeasureSpec.makeMeasureSpec(room, MeasureSpec.UNSPECIFIED);
        }
        boolean fills = length == LayoutParams.MATCH_PARENT && mode == MeasureSpec.EXACTLY;
        return MeasureSpec.makeMeasureSpec(room, fills ? MeasureSpec.EXACTLY : MeasureSpec.AT_MOST);
    }

    /** Measures a child within what is left after margins and padding. */
    protected void measureChildWithMargins(View child, int widthSpec, int widthUsed, int heightSpec, int heightUsed) {
        MarginLayoutParams params = (MarginLayoutParams) child.getLayoutParams();
        child.measure(
                getChildMeasureSpec(
                        widthSpec,
                        getPaddingLeft() + getPaddingRight() + params.leftMargin + params.rightMargin + widthUsed,
                        params.width),
                getChildMeasureSpec(
                        heightSpec,
                        getPaddingTop() + getPaddingBottom() + params.topMargin + params.bottomMargin + heightUsed,
                        params.height));
    }

    @Override
    public void jvmPaint(Graphics2D graphics) {
        super.jvmPaint(graphics);
        for (View child : children) {
            if (child.getVisibility() == VISIBLE) {
                Graphics2D inner = (Graphics2D) graphics.create();
                inner.translate(child.getLeft(), child.getTop());
                inner.clipRect(0, 0, child.getWidth(), child.getHeight());
                child.jvmPaint(inner);
                inner.dispose();
            }
        }
    }

    /** Width and height in pixels, or one of two names. */
    public static class LayoutParams {
        /** As the parent. */
        public static final int MATCH_PARENT = -1;
        /** As the content. */
        public static final int WRAP_CONTENT = -2;

        /** Width. */
        public int width;
        /** Height. */
        public int height;

        /** Of these lengths. */
        public LayoutParams(int width, int height) {
            this.width = width;
            this.height = height;
        }
    }

    /** The same with room around. */
    public static class MarginLayoutParams extends LayoutParams {
        /** In pixels. */
        public int leftMargin;
        /** In pixels. */
        public int topMargin;
        /** In pixels. */
        public int rightMargin;
        /** In pixels. */
        public int bottomMargin;
        /** Not Android's here: share of the room that is left, as {@code LinearLayout.LayoutParams.weight}. */
        public final float weight;
        /** Not Android's here: true for {@code layout_gravity="center_horizontal"}. */
        public final boolean centered;

        /** Of these lengths, without room around. */
        public MarginLayoutParams(int width, int height) {
            super(width, height);
            weight = 0;
            centered = false;
        }

        MarginLayoutParams(XmlAttributes xml) {
            super(xml.pixels("layout_width", WRAP_CONTENT), xml.pixels("layout_height", WRAP_CONTENT));
            int margin = xml.pixels("layout_margin", 0);
            leftMargin = xml.pixels("layout_marginLeft", margin);
            topMargin = xml.pixels("layout_marginTop", margin);
            rightMargin = xml.pixels("layout_marginRight", margin);
            bottomMargin = xml.pixels("layout_marginBottom", margin);
            weight = xml.number("layout_weight", 0);
            centered = "center_horizontal".equals(xml.text("layout_gravity"));
        }
    }
}
