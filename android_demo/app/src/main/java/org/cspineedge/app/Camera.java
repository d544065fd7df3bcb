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
 * The camera on the back, shown live and asked for single pictures, until it is stopped.
 *
 * <p>A picture is the Y plane of a YUV frame: the luma of ITU-R BT.601 over the full range, which is also the toolkit's
 * way from colour to grey; so nothing is compressed, decoded or converted on its way. The camera has a thread of its own,
 * on which all of its calls are made and answered; the view and the listener belong to the main thread.
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
    private final HandlerThread thread = new HandlerThread("camera");
    private final Handler handler;
    private volatile boolean stopped;
    private volatile CameraFacts facts;
    private volatile int degrees; // of the phone, when the picture was asked for
    private SurfaceTexture texture;
    private boolean opening;
    private CameraDevice device;
    private CameraCaptureSession session;
    private ImageReader reader;

    /** Begins to show; needs the right to use the camera. */
    Camera(Context context, TextureView view, Listener listener) {
        this.manager = (CameraManager) context.getSystemService(Context.CAMERA_SERVICE);
        this.view = view;
        this.listener = listener;
        thread.start();
        handler = new Handler(thread.getLooper());
        view.setSurfaceTextureListener(this);
        if (view.isAvailable()) {
            begin(view.getSurfaceTexture());
        }
    }

    /** Gives the camera back. */
    void stop() {
        stopped = true;
        view.setSurfaceTextureListener(null);
        handler.post(this::close);
    }

    /** Takes a picture; nothing happens before the camera shows anything. */
    void shoot() {
        degrees = displayDegrees();
        handler.post(() -> {
            if (session == null) {
                return;
            }
            try {
                CaptureRequest.Builder request = device.createCaptureRequest(CameraDevice.TEMPLATE_STILL_CAPTURE);
                request.addTarget(reader.getSurface());
                focus(request);
                session.capture(request.build(), null, handler);
            } catch (CameraAccessException | RuntimeException error) {
                fail(error);
            }
        });
    }

    private void begin(SurfaceTexture surface) {
        handler.post(() -> {
            texture = surface;
            if (device == null && !opening && !stopped) {
                open();
            }
        });
    }

    @SuppressLint("MissingPermission") // it is there; a SecurityException is told like the others
    private void open() {
        try {
            CameraFacts found = CameraFacts.ofBackCamera(manager);
            if (found == null) {
                tell(Notice.of(R.string.camera_absent));
                return;
            }
            facts = found;
            main.post(this::turnPreview);
            opening = true;
            manager.openCamera(found.id(), new CameraDevice.StateCallback() {
                @Override
                public void onOpened(CameraDevice opened) {
                    opening = false;
                    device = opened;
                    if (stopped) {
                        close();
                    } else {
                        show(found);
                    }
                }

                @Override
                public void onDisconnected(CameraDevice lost) {
                    lose(lost, "another app took it");
                }

                @Override
                public void onError(CameraDevice broken, int error) {
                    lose(broken, "error " + error);
                }
            }, handler);
        } catch (CameraAccessException | RuntimeException error) {
            opening = false;
            fail(error);
        }
    }

    private void lose(CameraDevice lost, String why) {
        opening = false;
        device = lost;
        fail(new IllegalStateException(why));
        close();
    }

    @SuppressWarnings("deprecation") // SessionConfiguration needs API 28
    private void show(CameraFacts found) {
        int width = found.size().getWidth();
        int height = found.size().getHeight();
        try {
            texture.setDefaultBufferSize(width, height);
            Surface preview = new Surface(texture);
            reader = ImageReader.newInstance(width, height, ImageFormat.YUV_420_888, 2);
            reader.setOnImageAvailableListener(this::take, handler);
            CaptureRequest.Builder request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
            request.addTarget(preview);
            focus(request);
            device.createCaptureSession(
                    Arrays.asList(preview, reader.getSurface()), new CameraCaptureSession.StateCallback() {
                        @Override
                        public void onConfigured(CameraCaptureSession configured) {
                            repeat(configured, request.build());
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

    private void repeat(CameraCaptureSession configured, CaptureRequest request) {
        if (device == null) {
            return; // closed meanwhile
        }
        try {
            configured.setRepeatingRequest(request, null, handler);
            session = configured;
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
                GreyImage upright = Greys.rotate(luma(image), facts.quarterTurns(degrees));
                main.post(() -> {
                    if (!stopped) {
                        listener.onPicture(upright);
                    }
                });
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

    /** A camera that is just being opened is closed when it is open; its thread ends with it. */
    private void close() {
        session = null;
        if (reader != null) {
            reader.close();
            reader = null;
        }
        if (device != null) {
            device.close();
            device = null;
        }
        if (stopped && !opening) {
            thread.quitSafely();
        }
    }

    private void fail(Exception error) {
        String reason = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        tell(Notice.of(R.string.camera_failed, reason));
    }

    private void tell(Notice notice) {
        main.post(() -> {
            if (!stopped) {
                listener.onTrouble(notice);
            }
        });
    }

    private int displayDegrees() {
        return view.getDisplay() == null ? 0 : 90 * view.getDisplay().getRotation(); // Surface.ROTATION_0 to _270
    }

    private void turnPreview() {
        if (facts != null) {
            view.setTransform(facts.previewTransform(view.getWidth(), view.getHeight(), displayDegrees()));
        }
    }

    @Override
    public void onSurfaceTextureAvailable(SurfaceTexture surface, int width, int height) {
        begin(surface);
    }

    @Override
    public void onSurfaceTextureSizeChanged(SurfaceTexture surface, int width, int height) {
        turnPreview();
    }

    @Override
    public boolean onSurfaceTextureDestroyed(SurfaceTexture surface) {
        return true;
    }

    @Override
    public void onSurfaceTextureUpdated(SurfaceTexture surface) {}
}
