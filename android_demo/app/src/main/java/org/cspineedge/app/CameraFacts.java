package org.cspineedge.app;

import android.graphics.ImageFormat;
import android.graphics.Matrix;
import android.graphics.RectF;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.util.Size;

/**
 * What has to be known of a camera on the back.
 *
 * @param id its name for the system
 * @param size of its pictures, as the sensor lies
 * @param sensorDegrees by how much a picture has to be turned clockwise on a phone that is held as it is built
 */
record CameraFacts(String id, Size size, int sensorDegrees) {
    /** Every camera can give frames of up to this size to the screen and to an app at the same time. */
    private static final int MOST_WIDTH = 1920;

    private static final int MOST_HEIGHT = 1080;

    /** The first camera on the back, or null. */
    static CameraFacts ofBackCamera(CameraManager manager) throws CameraAccessException {
        for (String id : manager.getCameraIdList()) {
            CameraCharacteristics all = manager.getCameraCharacteristics(id);
            Integer facing = all.get(CameraCharacteristics.LENS_FACING);
            StreamConfigurationMap streams = all.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
            if (facing == null || facing != CameraCharacteristics.LENS_FACING_BACK || streams == null) {
                continue;
            }
            Size[] sizes = streams.getOutputSizes(ImageFormat.YUV_420_888);
            Size best = sizes == null ? null : largest(sizes);
            if (best != null) {
                Integer degrees = all.get(CameraCharacteristics.SENSOR_ORIENTATION);
                return new CameraFacts(id, best, degrees == null ? 0 : degrees);
            }
        }
        return null;
    }

    /** The size with the largest square, since a square is cut out. */
    static Size largest(Size[] sizes) {
        Size best = null;
        for (Size size : sizes) {
            boolean fits = size.getWidth() <= MOST_WIDTH && size.getHeight() <= MOST_HEIGHT;
            if (fits && (best == null || side(size) > side(best))) {
                best = size;
            }
        }
        return best;
    }

    private static int side(Size size) {
        return Math.min(size.getWidth(), size.getHeight());
    }

    /**
     * Clockwise quarter turns that bring a picture upright.
     *
     * @param displayDegrees by how much the phone is turned counter-clockwise
     */
    int quarterTurns(int displayDegrees) {
        return Math.floorMod(sensorDegrees - displayDegrees, 360) / 90;
    }

    /**
     * Shows the middle of the camera's picture without distortion. A TextureView turns its picture upright for a phone
     * that is held as it is built, and stretches it over itself; this takes the stretching back, fills the view and turns
     * with the phone.
     *
     * @param displayDegrees by how much the phone is turned counter-clockwise
     */
    Matrix previewTransform(int viewWidth, int viewHeight, int displayDegrees) {
        boolean lying = sensorDegrees % 180 != 0;
        float width = lying ? size.getHeight() : size.getWidth();
        float height = lying ? size.getWidth() : size.getHeight();
        float centerX = viewWidth / 2f;
        float centerY = viewHeight / 2f;
        RectF view = new RectF(0, 0, viewWidth, viewHeight);
        RectF upright = new RectF(
                centerX - width / 2, centerY - height / 2, centerX + width / 2, centerY + height / 2);
        boolean turned = displayDegrees % 180 != 0;
        float scale = turned
                ? Math.max(viewWidth / height, viewHeight / width)
                : Math.max(viewWidth / width, viewHeight / height);
        Matrix matrix = new Matrix();
        matrix.setRectToRect(view, upright, Matrix.ScaleToFit.FILL);
        matrix.postScale(scale, scale, centerX, centerY);
        matrix.postRotate(-displayDegrees, centerX, centerY);
        return matrix;
    }
}
