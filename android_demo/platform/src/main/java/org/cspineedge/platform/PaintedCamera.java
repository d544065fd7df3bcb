package org.cspineedge.platform;

import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraMetadata;
import android.hardware.camera2.CaptureRequest;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.media.Image;
import android.media.ImageReader;
import android.os.Handler;
import android.util.Size;
import android.view.Surface;
import android.view.TextureView;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * A camera on the back that always sees the same grey picture, on a sensor that is built in at 90 degrees as in most
 * phones. Rows of its frames are padded, as many real ones are. It proves the way of a picture through the app, and
 * nothing about real cameras.
 */
public final class PaintedCamera extends CameraDevice {
    private static final int PADDING = 32;

    private final BufferedImage upright;

    /** @param upright what it sees, of a phone held as it is built */
    public PaintedCamera(BufferedImage upright) {
        this.upright = upright;
    }

    /** What it is. */
    public CameraCharacteristics characteristics() {
        return new CameraCharacteristics(Map.of(
                CameraCharacteristics.LENS_FACING,
                CameraMetadata.LENS_FACING_BACK,
                CameraCharacteristics.SENSOR_ORIENTATION,
                90,
                CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP,
                new StreamConfigurationMap(
                        new Size(4000, 3000), new Size(64, 48), new Size(upright.getHeight(), upright.getWidth()))));
    }

    @Override
    public CaptureRequest.Builder createCaptureRequest(int template) {
        return new CaptureRequest.Builder();
    }

    @Override
    public void createCaptureSession(
            List<Surface> outputs, CameraCaptureSession.StateCallback callback, Handler handler) {
        CameraCaptureSession session = new Session();
        handler.post(() -> callback.onConfigured(session));
    }

    @Override
    public void close() {
        TextureView.jvmShow(null);
    }

    /** What the sensor sees: its rows are the columns of the upright picture, from the bottom to the top. */
    private Image frame() {
        int width = upright.getHeight();
        int height = upright.getWidth();
        int stride = width + PADDING;
        ByteBuffer luma = ByteBuffer.allocateDirect(stride * (height - 1) + width); // the last row is not padded
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                luma.put(y * stride + x, (byte) upright.getRaster().getSample(height - 1 - y, x, 0));
            }
        }
        return new Frame(width, height, stride, luma);
    }

    private final class Session extends CameraCaptureSession {
        @Override
        public int capture(CaptureRequest request, CaptureCallback callback, Handler handler) {
            for (Surface target : request.jvmTargets()) {
                if (target.jvmTarget() instanceof ImageReader reader) {
                    reader.jvmGive(frame());
                }
            }
            return 0;
        }

        @Override
        public int setRepeatingRequest(CaptureRequest request, CaptureCallback callback, Handler handler) {
            TextureView.jvmShow(upright);
            return 0;
        }

        @Override
        public void close() {}
    }

    private static final class Frame extends Image {
        private final int width;
        private final int height;
        private final int stride;
        private final ByteBuffer luma;

        Frame(int width, int height, int stride, ByteBuffer luma) {
            this.width = width;
            this.height = height;
            this.stride = stride;
            this.luma = luma;
        }

        @Override
        public int getWidth() {
            return width;
        }

        @Override
        public int getHeight() {
            return height;
        }

        @Override
        public Plane[] getPlanes() {
            return new Plane[] {
                new Plane() {
                    @Override
                    public ByteBuffer getBuffer() {
                        return luma.duplicate();
                    }

                    @Override
                    public int getRowStride() {
                        return stride;
                    }
                }
            };
        }

        @Override
        public void close() {}
    }
}
