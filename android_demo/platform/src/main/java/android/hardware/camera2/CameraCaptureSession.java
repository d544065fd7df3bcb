package android.hardware.camera2;

import android.os.Handler;

/** A camera at work. */
public abstract class CameraCaptureSession implements AutoCloseable {
    /** Told whether it works. */
    public abstract static class StateCallback {
        /** It does. */
        public abstract void onConfigured(CameraCaptureSession session);

        /** It does not. */
        public abstract void onConfigureFailed(CameraCaptureSession session);
    }

    /** Told of pictures. */
    public abstract static class CaptureCallback {}

    /** Takes one picture. */
    public abstract int capture(CaptureRequest request, CaptureCallback callback, Handler handler)
            throws CameraAccessException;

    /** Takes pictures without end. */
    public abstract int setRepeatingRequest(CaptureRequest request, CaptureCallback callback, Handler handler)
            throws CameraAccessException;

    @Override
    public abstract void close();
}
