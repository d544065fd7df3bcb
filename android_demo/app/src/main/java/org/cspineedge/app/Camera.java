package org.cspineedge.app;

import android.annotation.SuppressLint;
import android.content.Context;
import android.graphics.ImageFormat;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.media.Image;
import android.media.ImageReader;
import android.os.Handler;
import android.os.HandlerThread;
import android.os.Looper;
import android.view.Surface;
import android.view.TextureView;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.cspineedge.core.GreyImage;
import org.cspineedge.core.Greys;

/**
 * The camera on the back, shown live and asked for single pictures.
 *
 * <p>A picture is the Y plane of a YUV frame: the luma of ITU-R BT.601 over the full range, which is also the toolkit's
 * way from colour to grey; so nothing is compressed, decoded or converted on its way. All callbacks come on the camera's
 * own thread; the listener is called on the main thread.
 */
final class Camera implements TextureView.SurfaceTextureListener {
    /** Told on the main thread. */
    interface Listener {
        /** A picture as one sees it through the phone. */
        void onPicture(GreyImage upright);

        /** The camera has stopped. */
        void onTrouble(Notice notice);
    }

    private final CameraManager manager;
    private final TextureView view;
    private final Listener listener;
    private final Handler main = new Handler(Looper.getMainLooper());
    private HandlerThread thread;
    private Handler handler;
    private CameraFacts facts;
    private volatile CameraDevice device;
    private volatile CameraCaptureSession session;
    private ImageReader reader;
    private volatile boolean started;

    Camera(Context context, TextureView view, Listener listener) {
        this.manager = (CameraManager) context.getSystemService(Context.CAMERA_SERVICE);
        this.view = view;
        this.listener = listener;
    }

    /** Begins to show; needs the right to use the camera. */
    void start() {
        if (started) {
            return;
        }
        started = true;
        thread = new HandlerThread("camera");
        thread.start();
        handler = new Handler(thread.getLooper());
        view.setSurfaceTextureListener(this);
        if (view.isAvailable()) {
            open();
        }
    }

    /** Gives the camera back. */
    void stop() {
        if (!started) {
            return;
        }
        started = false;
        view.setSurfaceTextureListener(null);
        handler.post(this::close);
        thread.quitSafely();
    }

    /** Takes a picture; nothing happens before the camera shows anything. */
    void shoot() {
        CameraCaptureSession current = session;
        if (current == null) {
            return;
        }
        handler.post(() -> {
            try {
                CaptureRequest.Builder request = device.createCaptureRequest(CameraDevice.TEMPLATE_STILL_CAPTURE);
                request.addTarget(reader.getSurface());
                focus(request);
                current.capture(request.build(), null, handler);
            } catch (CameraAccessException | RuntimeException error) {
                fail(error);
            }
        });
    }

    @SuppressLint("MissingPermission") // start() is called with it; a SecurityException is told like the others
    private void open() {
        try {
            facts = CameraFacts.ofBackCamera(manager);
            if (facts == null) {
                listener.onTrouble(Notice.of(R.string.camera_absent));
                return;
            }
            turnPreview();
            manager.openCamera(facts.id(), new CameraDevice.StateCallback() {
                @Override
                public void onOpened(CameraDevice opened) {
                    device = opened;
                    show(opened);
                }

                @Override
                public void onDisconnected(CameraDevice lost) {
                    close();
                    fail(new IllegalStateException("another app took it"));
                }

                @Override
                public void onError(CameraDevice broken, int error) {
                    close();
                    fail(new IllegalStateException("error " + error));
                }
            }, handler);
        } catch (CameraAccessException | RuntimeException error) {
            fail(error);
        }
    }

    @SuppressWarnings("deprecation") // SessionConfiguration needs API 28
    private void show(CameraDevice opened) {
        SurfaceTexture texture = view.getSurfaceTexture();
        if (!started || texture == null) {
            close();
            return;
        }
        try {
            texture.setDefaultBufferSize(facts.size().getWidth(), facts.size().getHeight());
            Surface preview = new Surface(texture);
            reader = ImageReader.newInstance(
                    facts.size().getWidth(), facts.size().getHeight(), ImageFormat.YUV_420_888, 2);
            reader.setOnImageAvailableListener(this::take, handler);
            CaptureRequest.Builder request = opened.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
            request.addTarget(preview);
            focus(request);
            opened.createCaptureSession(
                    Arrays.asList(preview, reader.getSurface()), new CameraCaptureSession.StateCallback() {
                        @Override
                        public void onConfigured(CameraCaptureSession configured) {
                            try {
                                configured.setRepeatingRequest(request.build(), null, handler);
                                session = configured;
                            } catch (CameraAccessException | RuntimeException error) {
                                fail(error);
                            }
                        }

                        @Override
                        public void onConfigureFailed(CameraCaptureSession refused) {
                            fail(new IllegalStateException("its pictures cannot be had"));
                        }
                    }, handler);
        } catch (CameraAccessException | RuntimeException error) {
            fail(error);
        }
    }

    private static void focus(CaptureRequest.Builder request) {
        request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE);
    }

    private void take(ImageReader source) {
        try (Image image = source.acquireLatestImage()) {
            if (image != null) {
                GreyImage upright = Greys.rotate(luma(image), facts.quarterTurns(degrees()));
                main.post(() -> listener.onPicture(upright));
            }
        } catch (RuntimeException error) {
            fail(error);
        }
    }

    private static GreyImage luma(Image image) {
        Image.Plane plane = image.getPlanes()[0];
        ByteBuffer buffer = plane.getBuffer();
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] levels = new byte[width * height];
        for (int y = 0; y < height; y++) { // rows may be padded; the last one may not
            buffer.position(y * plane.getRowStride());
            buffer.get(levels, y * width, width);
        }
        return new GreyImage(width, height, levels);
    }

    private void close() {
        session = null;
        if (device != null) {
            device.close();
            device = null;
        }
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }

    private void fail(Exception error) {
        String reason = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        main.post(() -> {
            if (started) {
                listener.onTrouble(Notice.of(R.string.camera_failed, reason));
            }
        });
    }

    private int degrees() {
        return view.getDisplay() == null ? 0 : 90 * view.getDisplay().getRotation(); // Surface.ROTATION_0 to _270
    }

    private void turnPreview() {
        view.setTransform(facts.previewTransform(view.getWidth(), view.getHeight(), degrees()));
    }

    @Override
    public void onSurfaceTextureAvailable(SurfaceTexture surface, int width, int height) {
        open();
    }

    @Override
    public void onSurfaceTextureSizeChanged(SurfaceTexture surface, int width, int height) {
        if (facts != null) {
            turnPreview();
        }
    }

    @Override
    public boolean onSurfaceTextureDestroyed(SurfaceTexture surface) {
        return true;
    }

    @Override
    public void onSurfaceTextureUpdated(SurfaceTexture surface) {}
}
