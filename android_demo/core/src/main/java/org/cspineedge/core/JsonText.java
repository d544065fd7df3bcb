package org.cspineedge.core;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Writes JSON (RFC 8259); {@link Json} reads it back equal. */
final class JsonText {
    private JsonText() {}

    /**
     * Writes a document on one line.
     *
     * @param value maps with strings as keys, lists, strings, integers, doubles, booleans and {@code null}; an empty
     *     {@code OptionalInt} or {@code OptionalDouble} is {@code null}
     * @throws IllegalArgumentException if it holds a number that JSON does not have, or anything else
     */
    static String of(Object value) {
        StringBuilder text = new StringBuilder();
        write(text, value);
        return text.toString();
    }

    private static void write(StringBuilder text, Object value) {
        if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                text.append(separator);
                string(text, (String) entry.getKey());
                text.append(": ");
                write(text, entry.getValue());
                separator = ", ";
            }
            text.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof List<?> list) {
            String separator = "[";
            for (Object item : list) {
                text.append(separator);
                write(text, item);
                separator = ", ";
            }
            text.append(list.isEmpty() ? "[]" : "]");
        } else if (value instanceof String string) {
            string(text, string);
        } else if (value instanceof Double number) {
            if (number.isNaN() || number.isInfinite()) {
                throw new IllegalArgumentException("JSON has no number " + number);
            }
            text.append(number);
        } else if (value instanceof OptionalDouble number) {
            write(text, number.isPresent() ? number.getAsDouble() : null);
        } else if (value instanceof OptionalInt number) {
            write(text, number.isPresent() ? number.getAsInt() : null);
        } else if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long) {
            text.append(value);
        } else {
            throw new IllegalArgumentException("JSON has no " + value.getClass().getName());
        }
    }

    private static void string(StringBuilder text, String content) {
        text.append('"');
        for (int i = 0; i < content.length(); i++) {
            char c = content.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append("\\u00").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 0xF, 16));
            } else if (Character.isSurrogate(c) && !isHalfOfPair(content, i)) {
                text.append('\uFFFD'); // which UTF-8 would not have
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }

    private static boolean isHalfOfPair(String content, int at) {
        boolean first = at + 1 < content.length() && Character.isSurrogatePair(content.charAt(at), content.charAt(at + 1));
        return first || at > 0 && Character.isSurrogatePair(content.charAt(at - 1), content.charAt(at));
    }
}
