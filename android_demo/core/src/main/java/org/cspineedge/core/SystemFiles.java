package org.cspineedge.core;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;

/**
 * Small files of a Linux system below a root, read as the toolkit's {@code system_files.py} does; what is absent, or
 * closed to an app, is empty.
 */
final class SystemFiles {
    private static final int LARGEST = 1 << 20;

    private final File root;

    /** @param root where {@code proc} and {@code sys} lie */
    SystemFiles(File root) {
        this.root = root;
    }

    /** Text of a file without white space around it; empty if there is none. */
    String text(String path) {
        return text(new File(root, path));
    }

    private static String text(File file) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        byte[] block = new byte[1 << 12];
        try (InputStream stream = new FileInputStream(file)) {
            for (int length = stream.read(block); length >= 0 && content.size() < LARGEST; length = stream.read(block)) {
                content.write(block, 0, length);
            }
        } catch (IOException | SecurityException absentOrClosed) {
            return "";
        }
        return new String(content.toByteArray(), StandardCharsets.UTF_8).trim();
    }

    /** Finite number that a file holds. */
    OptionalDouble number(String path) {
        return numberOf(text(path));
    }

    private static OptionalDouble numberOf(String text) {
        try {
            double value = Double.parseDouble(text);
            return Double.isNaN(value) || Double.isInfinite(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
        } catch (NumberFormatException nonsense) {
            return OptionalDouble.empty();
        }
    }

    /** First of the numbers, separated by blanks, that a file holds. */
    OptionalDouble firstNumber(String path) {
        return numberOf(text(path).split("\\s+")[0]);
    }

    /** Value of a line such as {@code VmHWM:   3885396 kB}, in MiB. */
    OptionalDouble mebibytes(String path, String key) {
        for (String line : text(path).split("\n")) {
            if (line.startsWith(key + ":")) {
                OptionalDouble kibibytes = numberOf(line.substring(key.length() + 1).trim().split("\\s+")[0]);
                return kibibytes.isPresent() ? OptionalDouble.of(kibibytes.getAsDouble() / 1024) : kibibytes;
            }
        }
        return OptionalDouble.empty();
    }

    /** Words of all lines of a file that begin with one of two keys and a colon. */
    Set<String> words(String path, String key, String otherKey) {
        Set<String> words = new TreeSet<>();
        for (String line : text(path).split("\n")) {
            int colon = line.indexOf(':');
            String name = colon < 0 ? "" : line.substring(0, colon).trim();
            if (name.equals(key) || name.equals(otherKey)) {
                words.addAll(List.of(line.substring(colon + 1).trim().split("\\s+")));
            }
        }
        return words;
    }

    /** Paths of the entries of a folder that are called a prefix and a number, in the order of their numbers. */
    List<String> numbered(String folder, String prefix) {
        List<Integer> numbers = new ArrayList<>();
        String[] names = new File(root, folder).list();
        for (String name : names == null ? new String[0] : names) {
            if (name.matches(prefix + "[0-9]{1,6}")) {
                numbers.add(Integer.valueOf(name.substring(prefix.length())));
            }
        }
        Collections.sort(numbers);
        List<String> paths = new ArrayList<>();
        for (int number : numbers) {
            paths.add(folder + "/" + prefix + number);
        }
        return paths;
    }
}
