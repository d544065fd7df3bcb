package android.content.pm;

/** What is installed. */
public abstract class PackageManager {
    /** An app may do something. */
    public static final int PERMISSION_GRANTED = 0;
    /** It may not. */
    public static final int PERMISSION_DENIED = -1;

    /** Facts of an app. */
    public abstract PackageInfo getPackageInfo(String packageName, int flags) throws NameNotFoundException;

    /** There is no such app. */
    public static class NameNotFoundException extends Exception {
        private static final long serialVersionUID = 1L;
    }
}
