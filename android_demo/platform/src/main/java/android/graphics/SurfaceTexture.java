package android.graphics;

/** Where a camera paints its preview. */
public class SurfaceTexture {
    private int width;
    private int height;

    /** Not Android's. */
    public SurfaceTexture() {}

    /** Size of its pictures. */
    public void setDefaultBufferSize(int newWidth, int newHeight) {
        width = newWidth;
        height = newHeight;
    }

    /** Not Android's: {@code width x height} as the camera is told. */
    public String jvmSize() {
        return width + " x " + height;
    }
}
