package android.hardware.camera2;

/** Facts and settings. */
public abstract class CameraMetadata<TKey> {
    /** On the side of the screen. */
    public static final int LENS_FACING_FRONT = 0;
    /** On the back. */
    public static final int LENS_FACING_BACK = 1;
    /** Always in focus. */
    public static final int CONTROL_AF_MODE_CONTINUOUS_PICTURE = 4;

    CameraMetadata() {}
}
