package org.cspineedge.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A model file with all of its parts and no graph, for engines that are told what they give. */
final class SmallModel {
    static final int SIDE = 4;
    static final double THRESHOLD = 0.25;

    private final Map<String, Object> contract = new LinkedHashMap<>();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final List<Object> golden = new ArrayList<>();

    SmallModel() {
        contract.put("schema", "cspine-edge/contract");
        contract.put("version", 2);
        contract.put(
                "preprocessing",
                Map.of("height", SIDE, "width", SIDE, "channels", 3, "value_range", List.of(0.0, 1.0)));
        contract.put("outputs", Map.of("logits", 1, "probability", 0));
        contract.put("labels", List.of("normal", "fracture"));
        contract.put("positive", "fracture");
        contract.put("threshold", Map.of("logit", THRESHOLD, "method", "chosen for this test", "cases", 3));
        contract.put("temperature", 2.0);
        contract.put("golden", golden);
        contract.put("resize", "pillow-bilinear");
        contract.put("intended_use", "Research use only. Not a medical device.");
    }

    /** Replaces a field of the contract. */
    SmallModel with(String field, Object value) {
        contract.put(field, value);
        return this;
    }

    /** Says that layers of the model are in float. */
    SmallModel inFloat(String... layers) {
        return with("provenance", Map.of("backbone", "small", "precision", "int8", "in_float", List.of(layers)));
    }

    /** Adds a golden pair. */
    SmallModel golden(byte[] png, Map<String, List<List<Double>>> expected) {
        String name = "golden/" + golden.size() + ".png";
        files.put(name, png);
        golden.add(Map.of("image", name, "expected", expected));
        return this;
    }

    /** Adds a golden pair whose input has one level. */
    SmallModel golden(int level, Map<String, List<List<Double>>> expected) {
        return golden(GreyPng.encode(grey(SIDE, SIDE, level)), expected);
    }

    static GreyImage grey(int width, int height, int level) {
        byte[] levels = new byte[width * height];
        Arrays.fill(levels, (byte) level);
        return new GreyImage(width, height, levels);
    }

    /** Outputs of a family: probabilities, then logits, as they are stored. */
    static Map<String, List<List<Double>>> expected(String key, double first, double second) {
        return Map.of(key, List.of(List.of(0.0, 255.0), List.of(first, second)));
    }

    ModelFile file() {
        byte[] graph = "\u001c\0\0\0TFL3 no graph".getBytes(StandardCharsets.US_ASCII);
        try {
            contract.put("graph_sha256", hex(MessageDigest.getInstance("SHA-256").digest(graph)));
            ByteArrayOutputStream file = new ByteArrayOutputStream();
            file.write(graph);
            try (ZipOutputStream archive = new ZipOutputStream(file)) {
                archive.setMethod(ZipOutputStream.STORED);
                files.put("cspine_edge.json", JsonText.of(contract).getBytes(StandardCharsets.UTF_8));
                for (Map.Entry<String, byte[]> entry : files.entrySet()) {
                    put(archive, entry.getKey(), entry.getValue());
                }
            }
            return ModelFile.of("small.tflite", file.toByteArray());
        } catch (IOException | NoSuchAlgorithmException | ModelException error) {
            throw new AssertionError(error);
        }
    }

    private static void put(ZipOutputStream archive, String name, byte[] content) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        CRC32 crc = new CRC32();
        crc.update(content);
        entry.setCrc(crc.getValue());
        entry.setSize(content.length);
        archive.putNextEntry(entry);
        archive.write(content);
        archive.closeEntry();
    }

    private static String hex(byte[] digest) {
        StringBuilder text = new StringBuilder();
        for (byte octet : digest) {
            text.append(Character.forDigit(octet >> 4 & 0xF, 16)).append(Character.forDigit(octet & 0xF, 16));
        }
        return text.toString();
    }
}
