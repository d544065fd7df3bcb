package android.widget;

import android.content.Context;
import android.util.AttributeSet;

/** A button that is on or off. */
public abstract class CompoundButton extends Button {
    private boolean checked;

    /** As layouts make it. */
    public CompoundButton(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Sets it on or off. */
    public void setChecked(boolean value) {
        checked = value;
    }

    /** Whether it is on. */
    public boolean isChecked() {
        return checked;
    }
}
