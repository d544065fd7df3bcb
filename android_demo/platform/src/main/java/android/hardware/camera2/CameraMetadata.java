package android.hardware.camera2;

/** Facts and settings. */
public abstract class CameraMetadata<TKey> {
    /** On the side of the screen. */
    public static final int LENS_FACING_FRONT = 0;
    /** On the back. */
    public static final int LENS_FACING_BACK = 1;

    CameraMetadata() {}
}
