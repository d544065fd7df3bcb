package android.app;

import android.content.Context;
import android.content.Intent;
import android.graphics.Insets;
import android.os.Bundle;
import android.view.ContextThemeWrapper;
import android.view.LayoutInflater;
import android.view.View;
import android.view.WindowInsets;
import org.cspineedge.platform.Phone;

/** A window of the app. What begins with {@code jvm} is for the {@link Phone}. */
public class Activity extends ContextThemeWrapper {
    /** The user chose something. */
    public static final int RESULT_OK = -1;
    /** The user chose nothing. */
    public static final int RESULT_CANCELED = 0;

    private Phone phone;
    private Intent intent;
    private Object retained;
    private View content;
    private boolean changing;

    /** Without a phone yet. */
    public Activity() {
        super(null);
    }

    /** It comes into being. */
    protected void onCreate(Bundle saved) {}

    /** It is to be used. */
    protected void onResume() {}

    /** It is no longer to be used. */
    protected void onPause() {}

    /** It goes. */
    protected void onDestroy() {}

    /** It should write down what it needs to go on. */
    protected void onSaveInstanceState(Bundle state) {}

    /** It is asked for something more. */
    protected void onNewIntent(Intent more) {}

    /** An app that it started has answered. */
    protected void onActivityResult(int request, int result, Intent data) {}

    /** The user has answered. */
    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {}

    /** What the next one is to have. */
    public Object onRetainNonConfigurationInstance() {
        return null;
    }

    /** What the one before gave. */
    public Object getLastNonConfigurationInstance() {
        return retained;
    }

    /** The user goes back. */
    public void onBackPressed() {
        finish();
    }

    /** Ends it. */
    public void finish() {
        phone.finished();
    }

    /** Whether another one will be made at once. */
    public boolean isChangingConfigurations() {
        return changing;
    }

    /** What it was started for. */
    public Intent getIntent() {
        return intent;
    }

    /** Replaces what it was started for. */
    public void setIntent(Intent value) {
        intent = value;
    }

    /** Shows a layout. */
    public void setContentView(int layout) {
        content = getLayoutInflater().inflate(layout, null, false);
    }

    /** A view of that number, or null. */
    public <T extends View> T findViewById(int id) {
        return content.findViewById(id);
    }

    /** Makes views of layouts. */
    public LayoutInflater getLayoutInflater() {
        return new LayoutInflater() {
            @Override
            protected Context jvmContext() {
                return Activity.this;
            }
        };
    }

    /** Starts another app, which will answer. */
    public void startActivityForResult(Intent wanted, int request) {
        phone.started(wanted, request);
    }

    /** Asks the user. */
    public final void requestPermissions(String[] permissions, int request) {
        phone.asked(permissions, request);
    }

    /** Makes it, for an intent. */
    public void jvmCreate(Phone owner, Context base, Intent wanted, Object handed, Bundle saved) {
        phone = owner;
        intent = wanted;
        retained = handed;
        attachBaseContext(base);
        onCreate(saved);
        content.jvmApply(new WindowInsets(Insets.of(0, owner.barHeight(), 0, owner.barHeight())));
        jvmResume();
    }

    /** Brings it to the front. */
    public void jvmResume() {
        onResume();
    }

    /** Takes it from the front. */
    public void jvmPause() {
        onPause();
    }

    /** Asks for what it needs to go on. */
    public Bundle jvmSave() {
        Bundle state = new Bundle();
        onSaveInstanceState(state);
        return state;
    }

    /** Ends it. */
    public void jvmDestroy(boolean another) {
        changing = another;
        onDestroy();
    }

    /** Gives it another intent. */
    public void jvmNewIntent(Intent more) {
        onNewIntent(more);
    }

    /** Answers it. */
    public void jvmResult(int request, int result, Intent data) {
        onActivityResult(request, result, data);
    }

    /** Its views. */
    public View jvmContent() {
        return content;
    }
}
