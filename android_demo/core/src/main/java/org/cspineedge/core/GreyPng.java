package org.cspineedge.core;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * Grey PNGs of 8 bits without interlacing (W3C, Portable Network Graphics, 3rd edition): the inputs of golden pairs.
 *
 * <p>Stricter than the standard asks: every CRC has to be right, and the image data has to be of exactly the stated size.
 */
final class GreyPng {
    /** Longest side in pixels that is read. */
    static final int MAX_SIDE = Preprocessing.MAX_SIDE;

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    private static final int HEADER_LENGTH = 13;
    private static final byte[] GREY_8_BIT = {8, 0, 0, 0, 0}; // depth, colour type, compression, filters, interlacing

    private final ByteBuffer bytes;
    private final ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    private int width;
    private int height;

    private GreyPng(byte[] content) {
        this.bytes = ByteBuffer.wrap(content);
    }

    /**
     * Reads an image.
     *
     * @param content of a file
     * @throws DataFormatException if it is broken, or no such PNG; the message is a clause that says why
     */
    static GreyImage decode(byte[] content) throws DataFormatException {
        GreyPng png = new GreyPng(content);
        png.readChunks();
        return new GreyImage(png.width, png.height, unfilter(png.inflate(), png.width, png.height));
    }

    /** Writes an image. */
    static byte[] encode(GreyImage image) {
        int width = image.width();
        byte[] rows = new byte[(width + 1) * image.height()];
        for (int y = 0; y < image.height(); y++) { // each row begins with filter 0, none
            System.arraycopy(image.pixels(), y * width, rows, y * (width + 1) + 1, width);
        }
        Deflater deflater = new Deflater();
        deflater.setInput(rows);
        deflater.finish();
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        byte[] block = new byte[1 << 14];
        while (!deflater.finished()) {
            compressed.write(block, 0, deflater.deflate(block));
        }
        deflater.end();
        ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH);
        header.putInt(width).putInt(image.height()).put(GREY_8_BIT);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.write(SIGNATURE, 0, SIGNATURE.length);
        writeChunk(file, "IHDR", header.array());
        writeChunk(file, "IDAT", compressed.toByteArray());
        writeChunk(file, "IEND", new byte[0]);
        return file.toByteArray();
    }

    private static void writeChunk(ByteArrayOutputStream file, String type, byte[] data) {
        ByteBuffer chunk = ByteBuffer.allocate(12 + data.length);
        chunk.putInt(data.length).put(type.getBytes(StandardCharsets.US_ASCII)).put(data);
        CRC32 crc = new CRC32();
        crc.update(chunk.array(), 4, 4 + data.length);
        chunk.putInt((int) crc.getValue());
        file.write(chunk.array(), 0, chunk.capacity());
    }

    private void readChunks() throws DataFormatException {
        byte[] content = bytes.array();
        if (!Arrays.equals(Arrays.copyOf(content, SIGNATURE.length), SIGNATURE)) {
            throw new DataFormatException("it is no PNG");
        }
        int at = SIGNATURE.length;
        for (boolean first = true; ; first = false) {
            long length = at + 12 <= content.length ? bytes.getInt(at) & 0xFFFFFFFFL : Integer.MAX_VALUE;
            if (length > content.length - at - 12) {
                throw new DataFormatException("it is cut short");
            }
            int data = at + 8;
            int end = data + (int) length;
            CRC32 crc = new CRC32();
            crc.update(content, at + 4, end - at - 4);
            if (bytes.getInt(end) != (int) crc.getValue()) {
                throw new DataFormatException("the checksum of a part is wrong");
            }
            String type = new String(content, at + 4, 4, StandardCharsets.US_ASCII);
            if (first != type.equals("IHDR")) {
                throw new DataFormatException("its header is not its first part");
            }
            if (type.equals("IEND")) {
                return;
            }
            readChunk(type, data, (int) length);
            at = end + 4;
        }
    }

    private void readChunk(String type, int at, int length) throws DataFormatException {
        if (type.equals("IHDR")) {
            byte[] kind = Arrays.copyOfRange(bytes.array(), at + 8, at + Math.max(8, length));
            if (!Arrays.equals(kind, GREY_8_BIT)) {
                throw new DataFormatException("it is not grey with 8 bits and without interlacing");
            }
            width = bytes.getInt(at);
            height = bytes.getInt(at + 4);
            if (Math.min(width, height) < 1 || Math.max(width, height) > MAX_SIDE) {
                throw new DataFormatException("its sides are not 1 to " + MAX_SIDE + " pixels");
            }
        } else if (type.equals("IDAT")) {
            compressed.write(bytes.array(), at, length);
        } else if (Character.isUpperCase(type.charAt(0))) { // a part that no reader may pass over
            throw new DataFormatException("it has a part of an unknown kind");
        }
    }

    private byte[] inflate() throws DataFormatException {
        byte[] rows = new byte[(width + 1) * height];
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(compressed.toByteArray());
            int length = 0;
            while (length < rows.length) {
                int more = inflater.inflate(rows, length, rows.length - length);
                if (more == 0) {
                    throw new DataFormatException("it has too few pixels");
                }
                length += more;
            }
            if (inflater.inflate(new byte[1]) != 0 || !inflater.finished()) { // which also compares the checksum
                throw new DataFormatException("it has too many pixels");
            }
            return rows;
        } catch (DataFormatException error) {
            String reason = error.getMessage();
            throw new DataFormatException(reason == null ? "its pixels are damaged" : reason);
        } finally {
            inflater.end();
        }
    }

    /** Undoes the filters of section 9 of the standard, for one byte a pixel. */
    private static byte[] unfilter(byte[] rows, int width, int height) throws DataFormatException {
        byte[] levels = new byte[width * height];
        for (int y = 0; y < height; y++) {
            int filter = rows[y * (width + 1)];
            for (int x = 0; x < width; x++) {
                int at = y * width + x;
                int left = x > 0 ? levels[at - 1] & 0xFF : 0;
                int above = y > 0 ? levels[at - width] & 0xFF : 0;
                int corner = x > 0 && y > 0 ? levels[at - width - 1] & 0xFF : 0;
                int predicted = switch (filter) {
                    case 0 -> 0;
                    case 1 -> left;
                    case 2 -> above;
                    case 3 -> (left + above) / 2;
                    case 4 -> paeth(left, above, corner);
                    default -> throw new DataFormatException("it has a filter of an unknown kind");
                };
                levels[at] = (byte) (rows[y * (width + 1) + 1 + x] + predicted);
            }
        }
        return levels;
    }

    private static int paeth(int left, int above, int corner) {
        int estimate = left + above - corner;
        int toLeft = Math.abs(estimate - left);
        int toAbove = Math.abs(estimate - above);
        int toCorner = Math.abs(estimate - corner);
        if (toLeft <= toAbove && toLeft <= toCorner) {
            return left;
        }
        return toAbove <= toCorner ? above : corner;
    }
}
