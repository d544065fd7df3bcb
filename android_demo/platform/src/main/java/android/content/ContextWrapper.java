package android.content;

import android.content.pm.PackageManager;
import android.content.res.AssetManager;
import android.content.res.Resources;

/** A context that asks another one. */
public class ContextWrapper extends Context {
    private Context base;

    /** @param base the other one; null if it comes later */
    public ContextWrapper(Context base) {
        this.base = base;
    }

    /** Sets the other one. */
    protected void attachBaseContext(Context other) {
        base = other;
    }

    @Override
    public Context getApplicationContext() {
        return base.getApplicationContext();
    }

    @Override
    public Resources getResources() {
        return base.getResources();
    }

    @Override
    public AssetManager getAssets() {
        return base.getAssets();
    }

    @Override
    public ContentResolver getContentResolver() {
        return base.getContentResolver();
    }

    @Override
    public PackageManager getPackageManager() {
        return base.getPackageManager();
    }

    @Override
    public String getPackageName() {
        return base.getPackageName();
    }

    @Override
    public Object getSystemService(String name) {
        return base.getSystemService(name);
    }

    @Override
    public int checkSelfPermission(String permission) {
        return base.checkSelfPermission(permission);
    }

    @Override
    public void startActivity(Intent intent) {
        base.startActivity(intent);
    }
}
