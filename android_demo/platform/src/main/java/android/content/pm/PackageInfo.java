package android.content.pm;

/** Facts of an app. */
public class PackageInfo {
    /** Its version as users know it. */
    public String versionName;
}
