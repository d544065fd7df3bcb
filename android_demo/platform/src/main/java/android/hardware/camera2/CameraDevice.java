package android.hardware.camera2;

import android.os.Handler;
import android.view.Surface;
import java.util.List;

/** A camera. */
public abstract class CameraDevice implements AutoCloseable {
    /** Settings for showing. */
    public static final int TEMPLATE_PREVIEW = 1;
    /** Settings for pictures. */
    public static final int TEMPLATE_STILL_CAPTURE = 2;

    /** Told of the camera. */
    public abstract static class StateCallback {
        /** It is open. */
        public abstract void onOpened(CameraDevice camera);

        /** It is lost. */
        public abstract void onDisconnected(CameraDevice camera);

        /** It is broken. */
        public abstract void onError(CameraDevice camera, int error);
    }

    /** Begins a request. */
    public abstract CaptureRequest.Builder createCaptureRequest(int template) throws CameraAccessException;

    /** Begins to work. */
    public abstract void createCaptureSession(
            List<Surface> outputs, CameraCaptureSession.StateCallback callback, Handler handler)
            throws CameraAccessException;

    @Override
    public abstract void close();
}
