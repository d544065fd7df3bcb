package org.cspineedge.platform;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.ContentResolver;
import android.content.Context;
import android.content.Intent;
import android.content.pm.PackageInfo;
import android.content.pm.PackageManager;
import android.content.res.AssetManager;
import android.content.res.Resources;
import android.hardware.camera2.CameraManager;
import android.net.Uri;
import android.os.Bundle;
import android.view.View;
import android.view.ViewGroup;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** A phone with one app on it: starts its activity, turns, answers for the user, and paints what is to be seen. */
public final class Phone {
    private static final int BAR_DP = 24;

    private final String packageName;
    private final ResourceFolder folder;
    private final File assets;
    private final ClassLoader loader;
    private Configuration configuration;
    private PaintedCamera camera;
    private boolean cameraAllowed;
    private Activity activity;
    private boolean finished;
    private Intent started;
    private int request;

    /**
     * @param packageName of the app
     * @param resources its folder {@code res}
     * @param assets its assets
     * @param loader of its classes
     */
    public Phone(String packageName, File resources, File assets, ClassLoader loader, Configuration configuration)
            throws ReflectiveOperationException {
        this.packageName = packageName;
        this.folder = new ResourceFolder(resources, loader, packageName);
        this.assets = assets;
        this.loader = loader;
        this.configuration = configuration;
    }

    /** Gives it a camera. */
    public void setCamera(PaintedCamera value) {
        camera = value;
    }

    /** Starts the app's main activity. */
    public void start(Intent intent) throws ReflectiveOperationException {
        create(intent, null, null);
    }

    private void create(Intent intent, Object retained, Bundle saved) throws ReflectiveOperationException {
        activity = (Activity) loader.loadClass(packageName + ".MainActivity").getConstructor().newInstance();
        activity.jvmCreate(this, context(configuration), intent, retained, saved);
        layout();
    }

    /** Holds or sets the phone otherwise; the activity is made anew. */
    public void change(Configuration next) throws ReflectiveOperationException {
        activity.jvmPause();
        Bundle saved = activity.jvmSave();
        Object retained = activity.onRetainNonConfigurationInstance();
        Intent intent = activity.getIntent();
        activity.jvmDestroy(true);
        configuration = next;
        create(intent, retained, saved);
    }

    /** Ends the app's process and starts it from what it wrote down. */
    public void kill() throws ReflectiveOperationException {
        activity.jvmPause();
        Bundle saved = activity.jvmSave();
        Intent intent = activity.getIntent();
        activity.jvmDestroy(false);
        create(intent, null, saved);
    }

    /** Another app hands something over. */
    public void send(Intent intent) {
        activity.jvmPause();
        activity.jvmNewIntent(intent);
        activity.jvmResume();
    }

    /** The user goes back. */
    public void back() {
        activity.onBackPressed();
    }

    /** The app ended its activity. */
    public void finished() {
        finished = true;
    }

    /** Whether the app ended its activity. */
    public boolean isFinished() {
        return finished;
    }

    /** Ends the activity. */
    public void end() {
        activity.jvmPause();
        activity.jvmDestroy(false);
    }

    /** The app starts another one. */
    public void started(Intent intent, int number) {
        started = intent;
        request = number;
    }

    /** What the app has started last. */
    public Intent started() {
        return started;
    }

    /** The user chooses a file, or null for nothing, in the app that was started. */
    public void choose(Uri uri) {
        activity.jvmPause();
        activity.jvmResult(
                request,
                uri == null ? Activity.RESULT_CANCELED : Activity.RESULT_OK,
                uri == null ? null : new Intent("").setData(uri));
        activity.jvmResume();
    }

    /** The app asks for rights. */
    public void asked(String[] permissions, int number) {
        request = number;
    }

    /** The user allows the camera or not. */
    public void allowCamera(boolean allowed) {
        cameraAllowed = allowed;
        int result = allowed ? PackageManager.PERMISSION_GRANTED : PackageManager.PERMISSION_DENIED;
        activity.onRequestPermissionsResult(request, new String[] {"android.permission.CAMERA"}, new int[] {result});
    }

    /** The activity in front. */
    public Activity activity() {
        return activity;
    }

    /** How it is held and set. */
    public Configuration configuration() {
        return configuration;
    }

    /** Height of the status bar, and of the navigation bar, in pixels. */
    public int barHeight() {
        return Math.round(BAR_DP * configuration.density());
    }

    /** A view of the activity by the name of its number. */
    public <T extends View> T view(String name) {
        return activity.findViewById(folder.find("id", name));
    }

    /** All views that are shown, from the outer to the inner. */
    public List<View> views() {
        List<View> found = new ArrayList<>();
        collect(activity.jvmContent(), found);
        return found;
    }

    private static void collect(View view, List<View> found) {
        if (view.getVisibility() != View.VISIBLE) {
            return;
        }
        found.add(view);
        if (view instanceof ViewGroup group) {
            for (int i = 0; i < group.getChildCount(); i++) {
                collect(group.getChildAt(i), found);
            }
        }
    }

    /** Gives each view its place. */
    public void layout() {
        View content = activity.jvmContent();
        content.measure(
                View.MeasureSpec.makeMeasureSpec(configuration.width(), View.MeasureSpec.EXACTLY),
                View.MeasureSpec.makeMeasureSpec(configuration.height(), View.MeasureSpec.EXACTLY));
        content.jvmAttach();
        content.layout(0, 0, configuration.width(), configuration.height());
    }

    /** What is to be seen. */
    public BufferedImage paint() {
        layout();
        BufferedImage image =
                new BufferedImage(configuration.width(), configuration.height(), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        activity.jvmContent().jvmPaint(graphics);
        graphics.dispose();
        return image;
    }

    private Context context(Configuration of) {
        return new AppContext(new Resources(folder, of));
    }

    /** The app's own context; its resources are those of the configuration in which it was made. */
    private final class AppContext extends Context {
        private final Resources resources;
        private final ContentResolver resolver = new PhoneFiles();

        AppContext(Resources resources) {
            this.resources = resources;
        }

        @Override
        public Context getApplicationContext() {
            return this;
        }

        @Override
        public Resources getResources() {
            return resources;
        }

        @Override
        public AssetManager getAssets() {
            return new AssetManager(assets);
        }

        @Override
        public ContentResolver getContentResolver() {
            return resolver;
        }

        @Override
        public PackageManager getPackageManager() {
            return new PackageManager() {
                @Override
                public PackageInfo getPackageInfo(String name, int flags) {
                    PackageInfo info = new PackageInfo();
                    info.versionName = "0.1.0";
                    return info;
                }
            };
        }

        @Override
        public String getPackageName() {
            return packageName;
        }

        @Override
        public Object getSystemService(String name) {
            return CAMERA_SERVICE.equals(name) ? new CameraManager(camera) : null;
        }

        @Override
        public int checkSelfPermission(String permission) {
            return cameraAllowed ? PackageManager.PERMISSION_GRANTED : PackageManager.PERMISSION_DENIED;
        }

        @Override
        public void startActivity(Intent intent) {
            if (intent.getAction() == null) {
                throw new ActivityNotFoundException("an intent without action");
            }
            started = intent;
        }
    }
}
