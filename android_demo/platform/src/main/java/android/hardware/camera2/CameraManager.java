package android.hardware.camera2;

import android.os.Handler;
import org.cspineedge.platform.PaintedCamera;

/** The cameras; here none or one. */
public final class CameraManager {
    private final PaintedCamera camera;

    /** Not Android's. */
    public CameraManager(PaintedCamera camera) {
        this.camera = camera;
    }

    /** Their names. */
    public String[] getCameraIdList() throws CameraAccessException {
        return camera == null ? new String[0] : new String[] {"0"};
    }

    /** What one is. */
    public CameraCharacteristics getCameraCharacteristics(String id) throws CameraAccessException {
        return camera.characteristics();
    }

    /** Opens one. */
    public void openCamera(String id, CameraDevice.StateCallback callback, Handler handler)
            throws CameraAccessException {
        handler.post(() -> callback.onOpened(camera));
    }
}
