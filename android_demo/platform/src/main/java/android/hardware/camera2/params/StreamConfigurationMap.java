package android.hardware.camera2.params;

import android.util.Size;

/** What a camera can give. */
public final class StreamConfigurationMap {
    private final Size[] sizes;

    /** Not Android's. */
    public StreamConfigurationMap(Size... sizes) {
        this.sizes = sizes;
    }

    /** Sizes of pictures in a format. */
    public Size[] getOutputSizes(int format) {
        return sizes.clone();
    }
}
