package org.cspineedge.app;

import android.content.res.Resources;
import android.view.View;
import android.view.ViewGroup;
import android.widget.TextView;

/** One of the activity's screens: a layout, and how it shows the session. */
abstract class Screen {
    /** The activity it is in. */
    protected final MainActivity activity;
    /** What the session is. */
    protected final Session session;
    /** Its views. */
    protected final View view;

    Screen(MainActivity activity, int layout, ViewGroup parent) {
        this.activity = activity;
        this.session = activity.session();
        this.view = activity.getLayoutInflater().inflate(layout, parent, false);
        View back = view.findViewById(R.id.back);
        if (back != null) {
            back.setOnClickListener(clicked -> activity.goHome());
        }
    }

    /** Shows the session as it is now. */
    abstract void show();

    /** It is in sight. */
    void onResume() {}

    /** It is out of sight. */
    void onPause() {}

    protected <T extends View> T find(int id) {
        return view.findViewById(id);
    }

    protected void onClick(int id, Runnable action) {
        view.findViewById(id).setOnClickListener(clicked -> action.run());
    }

    /** Puts text into a view; null takes the view away. */
    protected void setText(int id, CharSequence text) {
        TextView line = find(id);
        line.setVisibility(text == null ? View.GONE : View.VISIBLE);
        if (text != null && !text.toString().contentEquals(line.getText())) { // else it would be read aloud again
            line.setText(text);
        }
    }

    protected void showNotice(int id) {
        setText(id, session.notice() == null ? null : session.notice().in(resources()));
    }

    /** Adds a card of a title and details. */
    protected void addRow(ViewGroup rows, CharSequence title, CharSequence details) {
        View row = activity.getLayoutInflater().inflate(R.layout.row, rows, false);
        ((TextView) row.findViewById(R.id.row_title)).setText(title);
        ((TextView) row.findViewById(R.id.row_details)).setText(details);
        rows.addView(row);
    }

    protected Resources resources() {
        return activity.getResources();
    }
}
