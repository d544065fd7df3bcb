package android.widget;

import android.content.Context;
import android.util.AttributeSet;

/** Text to be clicked. */
public class Button extends TextView {
    /** As layouts make it. */
    public Button(Context context, AttributeSet attributes) {
        super(context, attributes);
    }
}
