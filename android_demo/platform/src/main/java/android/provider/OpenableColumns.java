package android.provider;

/** Columns that every file has which another app gives. */
public interface OpenableColumns {
    /** Its name as users know it. */
    String DISPLAY_NAME = "_display_name";
}
