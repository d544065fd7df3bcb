package android.media;

import java.nio.ByteBuffer;

/** A camera's picture. */
public abstract class Image implements AutoCloseable {
    /** Width in pixels. */
    public abstract int getWidth();

    /** Height in pixels. */
    public abstract int getHeight();

    /** Luma and chroma. */
    public abstract Plane[] getPlanes();

    @Override
    public abstract void close();

    /** One of them. */
    public abstract static class Plane {
        /** The bytes. */
        public abstract ByteBuffer getBuffer();

        /** Bytes from row to row. */
        public abstract int getRowStride();
    }
}
