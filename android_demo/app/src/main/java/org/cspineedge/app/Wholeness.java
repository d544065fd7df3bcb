package org.cspineedge.app;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * Whether a picture's file is all there. Android's decoder gives what it could decode of a broken or truncated file and
 * does not say so, but no verdict should be based on half a slice.
 */
final class Wholeness {
    private static final long PNG_SIGNATURE = 0x89504E470D0A1A0AL;
    private static final int PNG_END = 0x49454E44; // IEND

    private Wholeness() {}

    /** False if a PNG or JPEG is cut short, or a chunk of a PNG is damaged; true for other formats. */
    static boolean isWhole(byte[] file) {
        ByteBuffer bytes = ByteBuffer.wrap(file);
        if (file.length >= 8 && bytes.getLong(0) == PNG_SIGNATURE) {
            return isWholePng(bytes);
        }
        boolean jpeg = file.length >= 3 && bytes.getShort(0) == (short) 0xFFD8;
        return !jpeg || hasJpegEnd(file);
    }

    /** Length, type, content and CRC of each chunk, the last an IEND (PNG specification, section 5.3). */
    private static boolean isWholePng(ByteBuffer bytes) {
        long at = 8;
        while (at + 12 <= bytes.limit()) {
            long length = bytes.getInt((int) at) & 0xFFFFFFFFL;
            if (at + 12 + length > bytes.limit()) {
                return false;
            }
            CRC32 crc = new CRC32();
            crc.update(bytes.array(), (int) at + 4, (int) length + 4);
            if ((int) crc.getValue() != bytes.getInt((int) (at + 8 + length))) {
                return false;
            }
            if (bytes.getInt((int) at + 4) == PNG_END) {
                return true;
            }
            at += 12 + length;
        }
        return false;
    }

    /** An EOI marker after the last scan began (ITU-T T.81, B.1.1.3); cameras append data of their own after it. */
    private static boolean hasJpegEnd(byte[] file) {
        for (int at = file.length - 2; at > 1 && !isMarker(file, at, 0xDA); at--) {
            if (isMarker(file, at, 0xD9)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isMarker(byte[] file, int at, int marker) {
        return (file[at] & 0xFF) == 0xFF && (file[at + 1] & 0xFF) == marker;
    }
}
