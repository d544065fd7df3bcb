package android.graphics;

import java.awt.geom.AffineTransform;

/** An affine map of the plane. */
public class Matrix {
    /** How a rectangle is put into another. */
    public enum ScaleToFit {
        /** Each side for itself. */
        FILL
    }

    private final AffineTransform map = new AffineTransform();

    /** Leaves everything where it is. */
    public Matrix() {}

    /** Takes one rectangle to another. */
    public boolean setRectToRect(RectF source, RectF target, ScaleToFit fit) {
        map.setToTranslation(target.left, target.top);
        map.scale(
                (target.right - target.left) / (source.right - source.left),
                (target.bottom - target.top) / (source.bottom - source.top));
        map.translate(-source.left, -source.top);
        return true;
    }

    /** Scales about a point, after what the map does. */
    public boolean postScale(float sx, float sy, float px, float py) {
        AffineTransform scale = AffineTransform.getTranslateInstance(px, py);
        scale.scale(sx, sy);
        scale.translate(-px, -py);
        map.preConcatenate(scale);
        return true;
    }

    /** Turns clockwise about a point, after what the map does. */
    public boolean postRotate(float degrees, float px, float py) {
        map.preConcatenate(AffineTransform.getRotateInstance(Math.toRadians(degrees), px, py));
        return true;
    }

    /** Not Android's. */
    public AffineTransform jvmMap() {
        return map;
    }
}
