package android.graphics;

/** Formats of pictures. */
public class ImageFormat {
    /** A plane of luma, two of chroma. */
    public static final int YUV_420_888 = 0x23;
}
