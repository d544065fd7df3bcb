package org.cspineedge.app;

import android.Manifest;
import android.annotation.TargetApi;
import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.graphics.Insets;
import android.net.Uri;
import android.os.Build;
import android.os.Bundle;
import android.view.View;
import android.view.ViewGroup;
import android.view.WindowInsets;
import android.widget.TextView;
import java.util.List;

/**
 * The only activity: shows one screen at a time, and talks with the rest of the phone for them. What has to survive a
 * turn of the phone is in the {@link Session}.
 */
public final class MainActivity extends Activity {
    private static final String STATE_SCREEN = "screen";
    private static final String STATE_EXPORT = "export";
    private static final String STATE_DENIED = "denied";
    private static final int REQUEST_PICTURE = 1;
    private static final int REQUEST_MODEL = 2;
    private static final int REQUEST_EXPORT = 3;
    private static final int REQUEST_CAMERA = 4;
    private static final int LONGEST_SHARED = 100_000; // characters; what apps hand each other is held in memory

    /** What is handed from the activity to the one that follows it when the phone is turned. */
    private record Retained(Session session, Checks checks) {}

    private Session session;
    private Checks checks;
    private Screen screen;
    private int layout;
    private Export wanted;
    private boolean cameraDenied;
    private boolean resumed;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_main);
        keepClearOfBars(findViewById(R.id.root));
        Retained retained = (Retained) getLastNonConfigurationInstance();
        session = retained == null ? new Session(getApplicationContext(), Engines.factories()) : retained.session();
        checks = retained == null ? new Checks(session, version()) : retained.checks();
        int first = R.layout.screen_scan;
        if (saved != null) {
            first = layoutOf(saved.getString(STATE_SCREEN));
            cameraDenied = saved.getBoolean(STATE_DENIED);
            wanted = saved.containsKey(STATE_EXPORT) ? Export.valueOf(saved.getString(STATE_EXPORT)) : null;
        }
        go(first);
        session.observe(() -> screen.show());
        if (saved == null && retained == null) {
            openShared(getIntent());
        }
    }

    @Override
    protected void onNewIntent(Intent intent) {
        super.onNewIntent(intent);
        setIntent(intent);
        openShared(intent);
    }

    @Override
    protected void onResume() {
        super.onResume();
        resumed = true;
        screen.onResume();
    }

    @Override
    protected void onPause() {
        screen.onPause();
        resumed = false;
        super.onPause();
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        state.putString(STATE_SCREEN, getResources().getResourceEntryName(layout)); // numbers change with versions
        state.putBoolean(STATE_DENIED, cameraDenied);
        if (wanted != null) {
            state.putString(STATE_EXPORT, wanted.name());
        }
    }

    @Override
    public Object onRetainNonConfigurationInstance() {
        return new Retained(session, checks);
    }

    @Override
    protected void onDestroy() {
        session.observe(null);
        if (!isChangingConfigurations()) {
            checks.cancelBench();
            session.close();
        }
        super.onDestroy();
    }

    @Override
    @SuppressWarnings("deprecation") // its successor needs API 33, and is asked for by an attribute newer than API 29
    public void onBackPressed() {
        if (layout == R.layout.screen_scan) {
            super.onBackPressed();
        } else {
            goHome();
        }
    }

    /** Shows the scanner. */
    void goHome() {
        go(R.layout.screen_scan);
    }

    /** Shows another screen. */
    void go(int wantedLayout) {
        if (screen != null && resumed) {
            screen.onPause();
        }
        ViewGroup frame = findViewById(R.id.screen);
        frame.removeAllViews();
        layout = wantedLayout;
        screen = make(frame);
        frame.addView(screen.view);
        screen.show();
        if (resumed) {
            screen.onResume();
        }
    }

    private Screen make(ViewGroup frame) {
        if (layout == R.layout.screen_history) {
            return new HistoryScreen(this, frame);
        } else if (layout == R.layout.screen_checks) {
            return new ChecksScreen(this, frame);
        } else if (layout == R.layout.screen_settings) {
            return new SettingsScreen(this, frame);
        } else if (layout == R.layout.screen_about) {
            return new AboutScreen(this, frame);
        }
        return new ScanScreen(this, frame);
    }

    private int layoutOf(String name) {
        int known = getResources().getIdentifier(name, "layout", getPackageName());
        return known == 0 ? R.layout.screen_scan : known;
    }

    /** From API 35 on, an app is drawn below the system's bars; older systems keep it clear of them themselves. */
    private static void keepClearOfBars(View root) {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            root.setOnApplyWindowInsetsListener(MainActivity::padded);
        }
    }

    @TargetApi(Build.VERSION_CODES.R)
    private static WindowInsets padded(View root, WindowInsets insets) {
        Insets bars = insets.getInsets(
                WindowInsets.Type.systemBars() | WindowInsets.Type.displayCutout() | WindowInsets.Type.ime());
        root.setPadding(bars.left, bars.top, bars.right, bars.bottom);
        return insets;
    }

    private String version() {
        try {
            return getPackageManager().getPackageInfo(getPackageName(), 0).versionName;
        } catch (PackageManager.NameNotFoundException error) {
            throw new AssertionError("an app is installed while it runs", error);
        }
    }

    // What the rest of the phone is asked for

    /** Lets the user choose a picture. */
    void choosePicture() {
        chooseFile("image/*", REQUEST_PICTURE);
    }

    /** Lets the user choose a model file. */
    void chooseModel() {
        chooseFile("*/*", REQUEST_MODEL); // no type is registered for .tflite
    }

    private void chooseFile(String type, int request) {
        startForResult(new Intent(Intent.ACTION_OPEN_DOCUMENT).setType(type), request);
    }

    /** Lets the user choose where to write something. */
    void create(Export export) {
        wanted = export;
        startForResult(
                new Intent(Intent.ACTION_CREATE_DOCUMENT)
                        .setType(export.type())
                        .putExtra(Intent.EXTRA_TITLE, export.suggestedName()),
                REQUEST_EXPORT);
    }

    private void startForResult(Intent intent, int request) {
        try {
            startActivityForResult(intent.addCategory(Intent.CATEGORY_OPENABLE), request);
        } catch (ActivityNotFoundException none) {
            session.tell(Notice.of(R.string.no_picture_app));
        }
    }

    /** Hands the history to an app that the user chooses. */
    void shareHistory() {
        String csv = session.history().toCsv();
        if (csv.length() > LONGEST_SHARED) {
            session.tell(Notice.of(R.string.share_too_long));
            return;
        }
        Intent send = new Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, csv);
        try {
            startActivity(Intent.createChooser(send, getString(R.string.share_csv)));
        } catch (ActivityNotFoundException none) {
            session.tell(Notice.of(R.string.no_share_app));
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        Uri uri = result == RESULT_OK && data != null ? data.getData() : null;
        if (uri == null) {
            return; // the user chose nothing
        }
        if (request == REQUEST_PICTURE) {
            session.open(List.of(uri));
        } else if (request == REQUEST_MODEL && session.loaded() != null) {
            session.use(ModelSource.of(uri), session.loaded().setup());
        } else if (request == REQUEST_EXPORT && wanted != null) {
            String content = wanted.content(session, checks);
            if (content == null) { // the system ended the app while the user chose
                session.tell(Notice.of(R.string.export_gone));
            } else {
                session.export(uri, content);
            }
        }
    }

    private void openShared(Intent intent) {
        List<Uri> pictures = SharedPictures.of(intent);
        if (!pictures.isEmpty()) {
            goHome();
            session.open(pictures);
        }
    }

    /** True if the user allows the camera. */
    boolean mayUseCamera() {
        return checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED;
    }

    /** True if the user was asked for the camera and refused. */
    boolean isCameraDenied() {
        return cameraDenied;
    }

    /** Asks for the camera. */
    void askForCamera() {
        requestPermissions(new String[] {Manifest.permission.CAMERA}, REQUEST_CAMERA);
    }

    @Override
    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
        if (request == REQUEST_CAMERA && results.length > 0) { // none if the question was interrupted
            cameraDenied = results[0] != PackageManager.PERMISSION_GRANTED;
            screen.show();
        }
    }

    // What screens need of the activity

    Session session() {
        return session;
    }

    Checks checks() {
        return checks;
    }

    void color(TextView text, int color) {
        text.setTextColor(getColor(color));
    }
}
