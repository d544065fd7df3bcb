package android.view;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Matrix;
import android.graphics.SurfaceTexture;
import android.util.AttributeSet;
import java.awt.Graphics2D;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;

/** Shows what a camera paints: upright for a phone held as it is built, stretched over the view, then transformed. */
public class TextureView extends View {
    /** Told of the texture. */
    public interface SurfaceTextureListener {
        /** It is there. */
        void onSurfaceTextureAvailable(SurfaceTexture surface, int width, int height);

        /** The view has another size. */
        void onSurfaceTextureSizeChanged(SurfaceTexture surface, int width, int height);

        /** It goes; true if it may be given back. */
        boolean onSurfaceTextureDestroyed(SurfaceTexture surface);

        /** There is a new picture. */
        void onSurfaceTextureUpdated(SurfaceTexture surface);
    }

    private SurfaceTextureListener listener;
    private SurfaceTexture texture;
    private Matrix transform = new Matrix();
    private static BufferedImage preview;

    /** As layouts make it. */
    public TextureView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Who is told of the texture. */
    public void setSurfaceTextureListener(SurfaceTextureListener value) {
        listener = value;
    }

    /** Whether there is a texture. */
    public boolean isAvailable() {
        return texture != null;
    }

    /** The texture, or null. */
    public SurfaceTexture getSurfaceTexture() {
        return texture;
    }

    /** What is done to the stretched picture. */
    public void setTransform(Matrix value) {
        transform = value;
    }

    /** Not Android's: what a camera shows, upright for a phone held as it is built; null for nothing. */
    public static void jvmShow(BufferedImage upright) {
        preview = upright;
    }

    @Override
    protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        if (texture == null && getWidth() > 0) {
            texture = new SurfaceTexture();
            if (listener != null) {
                listener.onSurfaceTextureAvailable(texture, getWidth(), getHeight());
            }
        } else if (texture != null && listener != null) {
            listener.onSurfaceTextureSizeChanged(texture, getWidth(), getHeight());
        }
    }

    @Override
    protected void jvmAttached(boolean attached) {
        if (!attached && texture != null) {
            SurfaceTexture gone = texture;
            texture = null;
            if (listener != null) {
                listener.onSurfaceTextureDestroyed(gone);
            }
        }
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (preview != null && texture != null) {
            AffineTransform stretched = new AffineTransform(transform.jvmMap());
            stretched.scale((double) getWidth() / preview.getWidth(), (double) getHeight() / preview.getHeight());
            Graphics2D graphics = canvas.jvmGraphics();
            graphics.drawImage(preview, stretched, null);
        }
    }
}
