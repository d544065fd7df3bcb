package android.hardware.camera2;

/** The camera cannot be used. */
public class CameraAccessException extends Exception {
    private static final long serialVersionUID = 1L;

    /** @param problem its number */
    public CameraAccessException(int problem) {
        super("CAMERA " + problem);
    }
}
