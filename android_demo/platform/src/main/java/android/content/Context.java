package android.content;

import android.content.pm.PackageManager;
import android.content.res.AssetManager;
import android.content.res.Resources;

/** What an app has of the phone. */
public abstract class Context {
    /** The name of the camera's service. */
    public static final String CAMERA_SERVICE = "camera";

    /** The app's own context. */
    public abstract Context getApplicationContext();

    /** Its resources, for the present configuration. */
    public abstract Resources getResources();

    /** Its assets. */
    public abstract AssetManager getAssets();

    /** Files of other apps. */
    public abstract ContentResolver getContentResolver();

    /** What is installed. */
    public abstract PackageManager getPackageManager();

    /** The app's name for the system. */
    public abstract String getPackageName();

    /** A service of the system. */
    public abstract Object getSystemService(String name);

    /** Whether the app may do something. */
    public abstract int checkSelfPermission(String permission);

    /** Starts another app. */
    public abstract void startActivity(Intent intent);

    /** A text. */
    public final String getString(int id) {
        return getResources().getString(id);
    }

    /** A text with values put in. */
    public final String getString(int id, Object... arguments) {
        return getResources().getString(id, arguments);
    }

    /** A colour. */
    public final int getColor(int id) {
        return getResources().jvmColor(id);
    }
}
