package android.widget;

import android.content.Context;
import android.util.AttributeSet;

/** A progress bar that can be dragged. */
public abstract class AbsSeekBar extends ProgressBar {
    /** As layouts make it. */
    public AbsSeekBar(Context context, AttributeSet attributes) {
        super(context, attributes);
    }
}
