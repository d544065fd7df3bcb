package android.view;

import android.content.Context;
import android.content.res.Resources;
import android.graphics.Canvas;
import android.graphics.drawable.Drawable;
import android.os.Build;
import android.util.AttributeSet;
import java.awt.Graphics2D;
import java.util.concurrent.atomic.AtomicInteger;
import org.cspineedge.platform.ShapeDrawable;
import org.cspineedge.platform.XmlAttributes;

/** A rectangle of the screen. */
public class View {
    /** To be seen. */
    public static final int VISIBLE = 0;
    /** Takes room and is not to be seen. */
    public static final int INVISIBLE = 4;
    /** Not there. */
    public static final int GONE = 8;

    private static final AtomicInteger IDS = new AtomicInteger(1);

    /** Told of a click. */
    public interface OnClickListener {
        /** The view was clicked. */
        void onClick(View view);
    }

    /** Told what the system covers. */
    public interface OnApplyWindowInsetsListener {
        /** Makes room. */
        WindowInsets onApplyWindowInsets(View view, WindowInsets insets);
    }

    private final Context context;
    private final boolean unimportant;
    private final boolean focusable;
    private int id;
    private int visibility = VISIBLE;
    private boolean enabled = true;
    private boolean keepScreenOn;
    private boolean clickable;
    private int paddingLeft;
    private int paddingTop;
    private int paddingRight;
    private int paddingBottom;
    private int minHeight;
    private Drawable background;
    private CharSequence description;
    private CharSequence state;
    private ViewGroup.LayoutParams params;
    private OnClickListener clicked;
    private OnApplyWindowInsetsListener insetsListener;
    private int measuredWidth;
    private int measuredHeight;
    private int left;
    private int top;
    private int width;
    private int height;
    ViewGroup parent;

    /** As layouts make it. */
    public View(Context context, AttributeSet attributes) {
        this.context = context;
        XmlAttributes xml = (XmlAttributes) attributes;
        id = xml.id();
        String shown = xml.text("visibility");
        visibility = "gone".equals(shown) ? GONE : "invisible".equals(shown) ? INVISIBLE : VISIBLE;
        int padding = xml.pixels("padding", 0);
        paddingLeft = xml.pixels("paddingLeft", padding);
        paddingTop = xml.pixels("paddingTop", padding);
        paddingRight = xml.pixels("paddingRight", padding);
        paddingBottom = xml.pixels("paddingBottom", padding);
        minHeight = xml.pixels("minHeight", 0);
        description = xml.text("contentDescription");
        unimportant = "no".equals(xml.text("importantForAccessibility"));
        focusable = xml.flag("focusable");
        clickable = xml.flag("clickable");
        String drawable = xml.text("background");
        if (drawable != null) {
            float density = getResources().getDisplayMetrics().density;
            background = ShapeDrawable.of(drawable, xml.folder(), xml.night(), density);
        }
    }

    /** A number that no view of a layout has. */
    public static int generateViewId() {
        return IDS.getAndIncrement();
    }

    /** For whom it is. */
    public final Context getContext() {
        return context;
    }

    /** The app's resources. */
    public Resources getResources() {
        return context.getResources();
    }

    /** Its number, or -1. */
    public int getId() {
        return id;
    }

    /** Sets its number. */
    public void setId(int value) {
        id = value;
    }

    /** The view of this number within it, or null. */
    @SuppressWarnings("unchecked")
    public final <T extends View> T findViewById(int wanted) {
        return (T) jvmFind(wanted);
    }

    /** Not Android's. */
    protected View jvmFind(int wanted) {
        return wanted == id ? this : null;
    }

    /** Shows it or not. */
    public void setVisibility(int value) {
        visibility = value;
    }

    /** Whether it is shown. */
    public int getVisibility() {
        return visibility;
    }

    /** Lets it be used or not. */
    public void setEnabled(boolean value) {
        enabled = value;
    }

    /** Whether it can be used. */
    public boolean isEnabled() {
        return enabled;
    }

    /** Keeps the screen from going dark. */
    public void setKeepScreenOn(boolean value) {
        keepScreenOn = value;
    }

    /** Whether it keeps the screen from going dark. */
    public boolean getKeepScreenOn() {
        return keepScreenOn;
    }

    /** What is read aloud for it. */
    public void setContentDescription(CharSequence value) {
        description = value;
    }

    /** What is read aloud for it, or null. */
    public CharSequence getContentDescription() {
        return description;
    }

    /** What is read aloud for its state; from API 30 on. */
    public void setStateDescription(CharSequence value) {
        Build.jvmSince(Build.VERSION_CODES.R);
        state = value;
    }

    /** What is read aloud for its state, or null. */
    public final CharSequence getStateDescription() {
        return state;
    }

    /** Makes it clickable. */
    public void setOnClickListener(OnClickListener listener) {
        clicked = listener;
        clickable = listener != null;
    }

    /** Whether it takes clicks. */
    public boolean isClickable() {
        return clickable;
    }

    /** Clicks it. */
    public boolean performClick() {
        if (clicked != null) {
            clicked.onClick(this);
        }
        return clicked != null;
    }

    /** Who is told what the system covers. */
    public void setOnApplyWindowInsetsListener(OnApplyWindowInsetsListener listener) {
        insetsListener = listener;
    }

    /** Not Android's: tells what the system covers. */
    public void jvmApply(WindowInsets insets) {
        if (insetsListener != null) {
            insetsListener.onApplyWindowInsets(this, insets);
        }
    }

    /** Sets the room around its content, in pixels. */
    public void setPadding(int newLeft, int newTop, int newRight, int newBottom) {
        paddingLeft = newLeft;
        paddingTop = newTop;
        paddingRight = newRight;
        paddingBottom = newBottom;
    }

    /** In pixels. */
    public int getPaddingLeft() {
        return paddingLeft;
    }

    /** In pixels. */
    public int getPaddingTop() {
        return paddingTop;
    }

    /** In pixels. */
    public int getPaddingRight() {
        return paddingRight;
    }

    /** In pixels. */
    public int getPaddingBottom() {
        return paddingBottom;
    }

    /** In pixels. */
    public int getMinimumHeight() {
        return minHeight;
    }

    /** What its parent wants to know. */
    public void setLayoutParams(ViewGroup.LayoutParams value) {
        params = value;
    }

    /** What its parent wants to know. */
    public ViewGroup.LayoutParams getLayoutParams() {
        return params;
    }

    /** The screen. */
    public Display getDisplay() {
        return new Display(getResources().jvmConfiguration().rotation());
    }

    /** Finds how large it wants to be. */
    public final void measure(int widthMeasureSpec, int heightMeasureSpec) {
        onMeasure(widthMeasureSpec, heightMeasureSpec);
    }

    /** As large as there is room. */
    protected void onMeasure(int widthMeasureSpec, int heightMeasureSpec) {
        setMeasuredDimension(
                getDefaultSize(0, widthMeasureSpec), getDefaultSize(minHeight, heightMeasureSpec));
    }

    /** The size, or all the room there is. */
    public static int getDefaultSize(int size, int measureSpec) {
        return MeasureSpec.getMode(measureSpec) == MeasureSpec.UNSPECIFIED ? size : MeasureSpec.getSize(measureSpec);
    }

    /** The size as far as there is room, or the room if that is exact. */
    public static int resolveSize(int size, int measureSpec) {
        int room = MeasureSpec.getSize(measureSpec);
        return switch (MeasureSpec.getMode(measureSpec)) {
            case MeasureSpec.EXACTLY -> room;
            case MeasureSpec.AT_MOST -> Math.min(size, room);
            default -> size;
        };
    }

    /** Tells how large it wants to be. */
    protected final void setMeasuredDimension(int newWidth, int newHeight) {
        measuredWidth = newWidth;
        measuredHeight = newHeight;
    }

    /** In pixels. */
    public final int getMeasuredWidth() {
        return measuredWidth;
    }

    /** In pixels. */
    public final int getMeasuredHeight() {
        return measuredHeight;
    }

    /** Puts it somewhere in its parent. */
    public void layout(int newLeft, int newTop, int newRight, int newBottom) {
        left = newLeft;
        top = newTop;
        width = newRight - newLeft;
        height = newBottom - newTop;
        onLayout(true, newLeft, newTop, newRight, newBottom);
    }

    /** Puts its children somewhere. */
    protected void onLayout(boolean changed, int newLeft, int newTop, int newRight, int newBottom) {}

    /** In pixels. */
    public final int getLeft() {
        return left;
    }

    /** In pixels. */
    public final int getTop() {
        return top;
    }

    /** In pixels. */
    public final int getWidth() {
        return width;
    }

    /** In pixels. */
    public final int getHeight() {
        return height;
    }

    /** Where it is in the window, in pixels. */
    public void getLocationInWindow(int[] place) {
        place[0] = 0;
        place[1] = 0;
        for (View view = this; view != null; view = view.parent) {
            place[0] += view.left;
            place[1] += view.top;
        }
    }

    /** Paints its content. */
    protected void onDraw(Canvas canvas) {}

    /** Not Android's: paints it with all it contains. */
    public void jvmPaint(Graphics2D graphics) {
        if (background != null) {
            background.jvmPaint(graphics, width, height, enabled);
        }
        onDraw(new Canvas(graphics));
    }

    /** Not Android's: it was put into a window, or taken out of it. */
    protected void jvmAttached(boolean attached) {}

    /** Not Android's: puts it into the window, with all it contains. */
    public void jvmAttach() {
        jvmAttached(true);
    }

    /** Not Android's: true if a screen reader passes it over. */
    public boolean jvmIsUnimportant() {
        return unimportant;
    }

    /** Not Android's: true if a screen reader stops at it. */
    public boolean jvmIsFocusable() {
        return focusable || clickable;
    }

    /** Not Android's: true if something of its text is cut off. */
    public boolean jvmIsClipped() {
        return false;
    }

    /** How much room there is, and whether it is to be filled. */
    public static class MeasureSpec {
        /** As one likes. */
        public static final int UNSPECIFIED = 0;
        /** All of it. */
        public static final int EXACTLY = 1 << 30;
        /** No more than that. */
        public static final int AT_MOST = 2 << 30;

        private static final int MODES = 3 << 30;

        /** Puts both into one number. */
        public static int makeMeasureSpec(int size, int mode) {
            return size & ~MODES | mode;
        }

        /** Whether it is to be filled. */
        public static int getMode(int measureSpec) {
            return measureSpec & MODES;
        }

        /** How much there is. */
        public static int getSize(int measureSpec) {
            return measureSpec & ~MODES;
        }
    }
}
