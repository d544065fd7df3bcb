package android.widget;

import android.content.Context;
import android.util.AttributeSet;
import android.view.View;

/** Buttons of which one is on. */
public class RadioGroup extends LinearLayout {
    /** As layouts make it. */
    public RadioGroup(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Sets one on and the others off. */
    public void check(int id) {
        for (int i = 0; i < getChildCount(); i++) {
            View child = getChildAt(i);
            if (child instanceof CompoundButton button) {
                button.setChecked(button.getId() == id);
            }
        }
    }

    /** Sets all off. */
    public void clearCheck() {
        check(View.generateViewId());
    }
}
