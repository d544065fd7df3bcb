package org.cspineedge.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;

/**
 * A {@code .tflite} file of ours taken apart: the flatbuffer, and the ZIP archive after it with the contract, the
 * labels and the inputs of the golden pairs.
 */
public final class ModelFile {
    /** Largest file that is read, in bytes. */
    public static final int LARGEST_FILE = 256 * 1024 * 1024;

    private static final String LABELS_FILE = "labels.txt";
    private static final byte[] IDENTIFIER = {'T', 'F', 'L', '3'};

    private final String name;
    private final byte[] data;
    private final int graphLength;
    private final Contract contract;
    private final Map<String, byte[]> attachments;

    private ModelFile(String name, byte[] data, Archive archive, Contract contract) {
        this.name = name;
        this.data = data;
        this.graphLength = archive.start();
        this.contract = contract;
        this.attachments = archive.files();
    }

    /**
     * Reads a model from a stream, to its end; the stream is left open.
     *
     * @param name name of the file, for messages
     * @param stream the file
     * @throws ModelException as {@link #of}, and if the stream fails or is longer than {@link #LARGEST_FILE}
     */
    public static ModelFile read(String name, InputStream stream) throws ModelException {
        ByteArrayOutputStream content = new ByteArrayOutputStream(1 << 22);
        byte[] block = new byte[1 << 16];
        try {
            for (int length = stream.read(block); length >= 0; length = stream.read(block)) {
                if (content.size() + length > LARGEST_FILE) {
                    throw new ModelException(
                            name, "is larger than " + (LARGEST_FILE >> 20) + " MiB; give a smaller .tflite file");
                }
                content.write(block, 0, length);
            }
        } catch (IOException error) {
            throw new ModelException(name, "cannot be read (" + error.getMessage() + "); give a .tflite file");
        }
        return of(name, content.toByteArray());
    }

    /**
     * Takes a model apart and verifies that the graph is the one the contract names.
     *
     * @param name name of the file, for messages
     * @param data its content, which is held and not copied
     * @throws ModelException if it is no TFLite file
     * @throws ContractException if it has no contract, or one that is damaged, malformed or of another graph
     */
    public static ModelFile of(String name, byte[] data) throws ModelException {
        if (data.length < 8 || !Arrays.equals(Arrays.copyOfRange(data, 4, 8), IDENTIFIER)) {
            throw new ModelException(
                    name, "is no TFLite model; give a .tflite file, such as 'cspine-edge convert' writes");
        }
        Archive archive = Archive.of(name, data);
        byte[] document = archive.files().get(ContractReader.FILE);
        if (document == null) {
            throw new ContractException(name, "carries no cspine-edge contract; convert it with 'cspine-edge convert'");
        }
        Contract contract = ContractReader.read(name, document);
        if (!contract.graphSha256().equals(sha256(data, archive.start()))) {
            throw new ContractException(
                    name, "is damaged: its graph is not the one its contract names; copy it again");
        }
        byte[] labels = archive.files().get(LABELS_FILE);
        String named = contract.labels().get(0) + "\n" + contract.labels().get(1) + "\n";
        if (labels != null && !Arrays.equals(labels, named.getBytes(StandardCharsets.UTF_8))) {
            throw new ContractException(
                    name, "its " + LABELS_FILE + " has other classes than its contract; convert the model again");
        }
        return new ModelFile(name, data, archive, contract);
    }

    /** Name of the file, for messages. */
    public String name() {
        return name;
    }

    /** Length of the whole file in bytes. */
    public int size() {
        return data.length;
    }

    /** SHA-256 of the whole file, contract included, in lower-case hexadecimal. */
    public String sha256() {
        return sha256(data, data.length);
    }

    /** The flatbuffer alone: a new little-endian view, which cannot be written to. */
    public ByteBuffer graph() {
        return ByteBuffer.wrap(data, 0, graphLength).slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The contract. */
    public Contract contract() {
        return contract;
    }

    /**
     * The input of a golden pair: a copy of the content of a grey PNG of the input's height and width.
     *
     * @throws ContractException if the archive does not hold it
     */
    public byte[] goldenImage(GoldenPair pair) throws ContractException {
        byte[] image = attachments.get(pair.image());
        if (image == null) {
            throw new ContractException(name, "lacks a golden input its contract names; convert the model again");
        }
        return image.clone();
    }

    private static String sha256(byte[] data, int length) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new AssertionError("every Java platform has SHA-256", error);
        }
        digest.update(data, 0, length);
        StringBuilder hex = new StringBuilder(64);
        for (byte octet : digest.digest()) {
            hex.append(Character.forDigit(octet >> 4 & 0xF, 16)).append(Character.forDigit(octet & 0xF, 16));
        }
        return hex.toString();
    }
}
