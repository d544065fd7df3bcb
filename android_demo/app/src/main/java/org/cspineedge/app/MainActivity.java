package org.cspineedge.app;

import android.app.Activity;
import android.os.Bundle;

/** The only activity. */
public final class MainActivity extends Activity {
    @Override
    protected void onCreate(Bundle savedState) {
        super.onCreate(savedState);
        setContentView(R.layout.activity_main);
    }
}
