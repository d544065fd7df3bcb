package android.media;

import android.os.Handler;
import android.view.Surface;

/** Where a camera's pictures go. */
public class ImageReader implements AutoCloseable {
    /** Told of pictures. */
    public interface OnImageAvailableListener {
        /** There is one. */
        void onImageAvailable(ImageReader reader);
    }

    private final int width;
    private final int height;
    private final Surface surface = new Surface(this);
    private OnImageAvailableListener listener;
    private Handler handler;
    private Image latest;

    private ImageReader(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** For pictures of this size and format. */
    public static ImageReader newInstance(int width, int height, int format, int most) {
        return new ImageReader(width, height);
    }

    /** What a camera is given. */
    public Surface getSurface() {
        return surface;
    }

    /** Who is told of pictures. */
    public void setOnImageAvailableListener(OnImageAvailableListener value, Handler on) {
        listener = value;
        handler = on;
    }

    /** The latest picture, or null. */
    public synchronized Image acquireLatestImage() {
        Image image = latest;
        latest = null;
        return image;
    }

    /** Not Android's: a camera gives a picture, if it has the size. */
    public void jvmGive(Image image) {
        if (image.getWidth() != width || image.getHeight() != height) {
            throw new IllegalStateException("the picture has another size");
        }
        synchronized (this) {
            latest = image;
        }
        handler.post(() -> listener.onImageAvailable(this));
    }

    @Override
    public void close() {}
}
