package android.view;

import android.content.Context;
import android.content.ContextWrapper;

/** A context with a theme, which is not used here. */
public class ContextThemeWrapper extends ContextWrapper {
    /** For an activity. */
    public ContextThemeWrapper(Context base) {
        super(base);
    }
}
