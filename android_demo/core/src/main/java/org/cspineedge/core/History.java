package org.cspineedge.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The readings of a session, oldest first; when it is full the oldest is dropped. Any thread may use it.
 *
 * <p>It takes down what the caller names as source and nothing else of the picture: no patient, no path, no pixels.
 */
public final class History {
    /** Most readings that are kept. */
    public static final int CAPACITY = 1000;

    private static final String SCHEMA = "cspine-edge/history";
    private static final int VERSION = 1;
    private static final String INTENDED_USE = "Research use only. Not a medical device.";
    private static final double LARGEST = 1e308; // JSON has no infinity
    /** Columns of the CSV, and names in the JSON. */
    private static final List<String> COLUMNS = List.of(
            "time",
            "source",
            "label",
            "score",
            "margin",
            "threshold",
            "refer",
            "referral",
            "model",
            "graph_sha256",
            "engine",
            "family",
            "threads",
            "inference_ms");

    private final ArrayDeque<Entry> entries = new ArrayDeque<>();

    /**
     * One reading.
     *
     * @param time UTC, ISO 8601
     * @param source display name of the file, or {@code camera}
     * @param verdict what was said
     * @param model name of the model file
     * @param graphSha256 SHA-256 of its flatbuffer, in hexadecimal
     * @param engine the interpreter's name and version
     * @param family its kernels
     * @param threads its threads
     * @param inferenceMs time of the network alone, in milliseconds
     */
    public record Entry(
            String time,
            String source,
            Verdict verdict,
            String model,
            String graphSha256,
            String engine,
            KernelFamily family,
            int threads,
            double inferenceMs) {

        /** Its values in the order of the columns. */
        private List<Object> values() {
            return List.of(
                    time,
                    source,
                    verdict.label(),
                    verdict.score(),
                    finite(verdict.margin()),
                    finite(verdict.threshold()),
                    verdict.referral().isNeeded(),
                    verdict.referral().reason(),
                    model,
                    graphSha256,
                    engine,
                    family.key(),
                    threads,
                    inferenceMs);
        }
    }

    /**
     * Takes down a reading.
     *
     * @param utcMillis when, as {@code System.currentTimeMillis()} gives it
     * @param source display name of the file as the user knows it, or {@code camera}
     * @param reading what was said
     * @param classifier what said it
     */
    public synchronized void add(long utcMillis, String source, Reading reading, SliceClassifier classifier) {
        if (entries.size() == CAPACITY) {
            entries.removeFirst();
        }
        Engine engine = classifier.engine();
        entries.addLast(new Entry(
                UtcTime.iso(utcMillis),
                Objects.requireNonNull(source),
                reading.verdict(),
                classifier.model().name(),
                classifier.contract().graphSha256(),
                engine.runtime() + " " + engine.version(),
                engine.family(),
                engine.threads(),
                reading.inferenceMs()));
    }

    /** The readings, oldest first; a copy. */
    public synchronized List<Entry> entries() {
        return new ArrayList<>(entries);
    }

    /** Forgets all readings. */
    public synchronized void clear() {
        entries.clear();
    }

    /** The readings as a JSON document of the schema {@code cspine-edge/history}, version 1. */
    public String toJson() {
        List<Object> rows = new ArrayList<>();
        for (Entry entry : entries()) {
            Map<String, Object> row = new LinkedHashMap<>();
            List<Object> values = entry.values();
            for (int i = 0; i < values.size(); i++) {
                row.put(COLUMNS.get(i), values.get(i));
            }
            rows.add(row);
        }
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("schema", SCHEMA);
        document.put("version", VERSION);
        document.put("intended_use", INTENDED_USE);
        document.put("readings", rows);
        return JsonText.of(document);
    }

    /**
     * The readings as CSV by RFC 4180, with a header.
     *
     * <p>Texts that a spreadsheet would take for a formula ({@code = + - @}, tabulator or carriage return first) get an
     * apostrophe before them (OWASP, CSV Injection); numbers stay as they are.
     */
    public String toCsv() {
        StringBuilder text = new StringBuilder(String.join(",", COLUMNS)).append("\r\n");
        for (Entry entry : entries()) {
            String separator = "";
            for (Object value : entry.values()) {
                text.append(separator).append(value instanceof String cell ? quoted(cell) : value.toString());
                separator = ",";
            }
            text.append("\r\n");
        }
        return text.toString();
    }

    private static double finite(double value) {
        return Math.max(-LARGEST, Math.min(LARGEST, value));
    }

    private static String quoted(String cell) {
        boolean formula = !cell.isEmpty() && "=+-@\t\r".indexOf(cell.charAt(0)) >= 0;
        String harmless = formula ? "'" + cell : cell;
        boolean special = false;
        for (int i = 0; i < harmless.length(); i++) {
            special |= ",\"\r\n".indexOf(harmless.charAt(i)) >= 0;
        }
        return special ? '"' + harmless.replace("\"", "\"\"") + '"' : harmless;
    }
}
