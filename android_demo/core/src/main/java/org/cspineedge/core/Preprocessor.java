package org.cspineedge.core;

/** From a grey image to the bytes of the input tensor, bit for bit as the toolkit makes them. */
public final class Preprocessor {
    private final Preprocessing spec;

    /** @param spec the model's preprocessing */
    public Preprocessor(Preprocessing spec) {
        this.spec = spec;
    }

    /**
     * Resizes to the height and width of the input with Pillow's {@code BILINEAR} filter; the aspect ratio is not kept.
     *
     * @return the image itself if it has that size
     */
    public GreyImage resize(GreyImage image) {
        GreyImage narrowed = image.width() == spec.width()
                ? image
                : new TriangleFilter(image.width(), spec.width()).alongRows(image);
        return narrowed.height() == spec.height()
                ? narrowed
                : new TriangleFilter(image.height(), spec.height()).alongColumns(narrowed);
    }

    /** Makes the content of a uint8 input tensor (1, height, width, channels): the grey level in every channel. */
    public byte[] tensor(GreyImage image) {
        byte[] tensor = new byte[Math.multiplyExact(spec.height() * spec.width(), spec.channels())];
        fill(tensor, image);
        return tensor;
    }

    /** As {@link #tensor}, into an array of that length that is there already. */
    void fill(byte[] tensor, GreyImage image) {
        byte[] levels = resize(image).pixels();
        int at = 0;
        for (byte level : levels) {
            for (int channel = 0; channel < spec.channels(); channel++) {
                tensor[at++] = level;
            }
        }
    }
}
