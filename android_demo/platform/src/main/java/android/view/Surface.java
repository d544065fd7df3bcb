package android.view;

/** Where pictures go. */
public class Surface {
    private final Object target;

    /** For a preview. */
    public Surface(android.graphics.SurfaceTexture texture) {
        target = texture;
    }

    /** Not Android's: for a reader. */
    public Surface(android.media.ImageReader reader) {
        target = reader;
    }

    /** Not Android's: the texture or the reader. */
    public Object jvmTarget() {
        return target;
    }
}
