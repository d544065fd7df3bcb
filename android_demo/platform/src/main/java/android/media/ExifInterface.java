package android.media;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What a camera wrote into a JPEG; here the orientation alone. */
public class ExifInterface {
    /** The orientation's name. */
    public static final String TAG_ORIENTATION = "Orientation";
    /** As it is. */
    public static final int ORIENTATION_NORMAL = 1;
    /** Left and right are exchanged. */
    public static final int ORIENTATION_FLIP_HORIZONTAL = 2;
    /** Upside down. */
    public static final int ORIENTATION_ROTATE_180 = 3;
    /** Above and below are exchanged. */
    public static final int ORIENTATION_FLIP_VERTICAL = 4;
    /** Mirrored about the main diagonal. */
    public static final int ORIENTATION_TRANSPOSE = 5;
    /** To be turned clockwise. */
    public static final int ORIENTATION_ROTATE_90 = 6;
    /** Mirrored about the other diagonal. */
    public static final int ORIENTATION_TRANSVERSE = 7;
    /** To be turned counter-clockwise. */
    public static final int ORIENTATION_ROTATE_270 = 8;

    private static final int APP1 = 0xFFE1;
    private static final int ORIENTATION = 0x0112;

    private int orientation;

    /** Reads a file. */
    public ExifInterface(InputStream stream) throws IOException {
        DataInputStream data = new DataInputStream(stream);
        try {
            if (data.readUnsignedShort() != 0xFFD8) {
                return;
            }
            for (int marker = data.readUnsignedShort(); marker >= 0xFFE0 && marker <= 0xFFEF;
                    marker = data.readUnsignedShort()) {
                byte[] segment = new byte[data.readUnsignedShort() - 2];
                data.readFully(segment);
                if (marker == APP1 && segment.length > 14 && segment[0] == 'E') {
                    read(ByteBuffer.wrap(segment, 6, segment.length - 6).slice());
                    return;
                }
            }
        } catch (EOFException cutShort) {
            orientation = 0;
        }
    }

    private void read(ByteBuffer tiff) {
        tiff.order(tiff.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int directory = tiff.getInt(4);
        for (int i = 0; i < tiff.getShort(directory); i++) {
            int entry = directory + 2 + 12 * i;
            if (tiff.getShort(entry) == ORIENTATION) {
                orientation = tiff.getShort(entry + 8);
            }
        }
    }

    /** A number, or another one if there is none. */
    public int getAttributeInt(String tag, int otherwise) {
        return orientation == 0 ? otherwise : orientation;
    }
}
