package org.cspineedge.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * The ZIP archive at the end of a model file, read through its central directory (PKWARE APPNOTE 4.3).
 *
 * <p>{@link java.util.zip.ZipFile} needs a file on disk and {@link java.util.zip.ZipInputStream} an archive that begins
 * at the first byte; this one begins after the flatbuffer. Entries are stored, not compressed.
 */
final class Archive {
    private static final int LARGEST_ENTRY = 8 * 1024 * 1024;
    private static final int LOCAL_SIGNATURE = 0x04034b50;
    private static final int LOCAL_LENGTH = 30;
    private static final int CENTRAL_SIGNATURE = 0x02014b50;
    private static final int CENTRAL_LENGTH = 46;
    private static final int END_SIGNATURE = 0x06054b50;
    private static final int END_LENGTH = 22;
    private static final int LONGEST_COMMENT = 0xFFFF;
    private static final int NEWEST_FORMAT = 20;
    private static final int ENCRYPTED_OR_PATCHED = 0x61;

    private final String modelFile;
    private final byte[] data;
    private final ByteBuffer bytes;
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private int start;

    private Archive(String modelFile, byte[] data) {
        this.modelFile = modelFile;
        this.data = data;
        this.bytes = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        this.start = data.length;
    }

    /**
     * Reads the archive of a model file and checks the CRC of each entry.
     *
     * @param modelFile name of the file, for messages
     * @param data the whole file
     * @return the archive; an empty one if the file has none
     * @throws ContractException if there are traces of an archive of ours, and it is broken
     */
    static Archive of(String modelFile, byte[] data) throws ContractException {
        Archive archive = new Archive(modelFile, data);
        int end = archive.findEnd();
        if (end >= 0) {
            archive.readDirectory(end);
        } else if (contains(data, ContractReader.FILE.getBytes(StandardCharsets.US_ASCII))) {
            throw archive.damaged("the archive at its end is incomplete");
        }
        return archive;
    }

    /** Offset in bytes of the archive's first byte, which is the length of what stands before it. */
    int start() {
        return start;
    }

    /** Content of each entry, by name. */
    Map<String, byte[]> files() {
        return files;
    }

    private int findEnd() {
        int last = data.length - END_LENGTH;
        for (int at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
            if (bytes.getInt(at) == END_SIGNATURE && at + END_LENGTH + word(at + 20) == data.length) {
                return at;
            }
        }
        return -1;
    }

    private void readDirectory(int end) throws ContractException {
        int entries = word(end + 10);
        long directory = end - number(end + 12);
        long shift = directory - number(end + 16); // above 0 where offsets count from the archive's own start
        if (directory < 0 || shift < 0) {
            throw damaged("its directory is out of place");
        }
        int at = (int) directory;
        long total = 0;
        for (int i = 0; i < entries; i++) {
            if (at + CENTRAL_LENGTH > end || bytes.getInt(at) != CENTRAL_SIGNATURE) {
                throw damaged("its directory is broken");
            }
            int next = at + CENTRAL_LENGTH + word(at + 28) + word(at + 30) + word(at + 32);
            if (next > end) {
                throw damaged("its directory is broken");
            }
            total += number(at + 24);
            if (total > data.length) { // entries that lie over one another
                throw new ContractException(
                        modelFile, "its attached archive is larger than the file; copy the file again");
            }
            readEntry(at, shift + number(at + 42), (int) directory);
            at = next;
        }
        if (at != end) {
            throw damaged("its directory has another length");
        }
    }

    private void readEntry(int central, long local, int directory) throws ContractException {
        int nameLength = word(central + 28);
        String name = new String(data, central + CENTRAL_LENGTH, nameLength, StandardCharsets.UTF_8);
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) < ' ' || name.charAt(i) > '~') {
                throw damaged("the name of an attachment is broken");
            }
        }
        long size = number(central + 24);
        if (size > LARGEST_ENTRY || word(central + 10) != 0) {
            throw new ContractException(
                    modelFile, "its attachment " + name + " is too large or compressed; convert the model again");
        }
        boolean known = word(central + 6) <= NEWEST_FORMAT && (word(central + 8) & ENCRYPTED_OR_PATCHED) == 0;
        if (!known || size != number(central + 20) || local + LOCAL_LENGTH > directory) {
            throw damaged("its directory is broken");
        }
        int header = (int) local;
        long content = local + LOCAL_LENGTH + word(header + 26) + word(header + 28);
        if (bytes.getInt(header) != LOCAL_SIGNATURE
                || word(header + 26) != nameLength
                || content + size > directory
                || !sameBytes(header + LOCAL_LENGTH, central + CENTRAL_LENGTH, nameLength)) {
            throw damaged("the header of " + name + " is broken");
        }
        CRC32 crc = new CRC32();
        crc.update(data, (int) content, (int) size);
        if (crc.getValue() != number(central + 16)) {
            throw damaged("the content of " + name + " has changed");
        }
        if (files.put(name, Arrays.copyOfRange(data, (int) content, (int) (content + size))) != null) {
            throw damaged(name + " stands in it twice");
        }
        start = Math.min(start, header);
    }

    private int word(int at) {
        return bytes.getShort(at) & 0xFFFF;
    }

    private long number(int at) {
        return bytes.getInt(at) & 0xFFFFFFFFL;
    }

    private boolean sameBytes(int one, int other, int length) {
        for (int i = 0; i < length; i++) {
            if (data[one + i] != data[other + i]) {
                return false;
            }
        }
        return true;
    }

    private ContractException damaged(String why) {
        return new ContractException(modelFile, "is damaged or cut short (" + why + "); copy the file again");
    }

    private static boolean contains(byte[] data, byte[] pattern) {
        for (int at = 0; at + pattern.length <= data.length; at++) {
            int i = 0;
            while (i < pattern.length && data[at + i] == pattern[i]) {
                i++;
            }
            if (i == pattern.length) {
                return true;
            }
        }
        return false;
    }
}
