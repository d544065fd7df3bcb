package org.cspineedge.core;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A strict reader of JSON (RFC 8259) in UTF-8.
 *
 * <p>Stricter than the RFC asks: keys that repeat, halves of surrogate pairs, numbers beyond double, a byte order mark
 * and nesting deeper than {@value #MAX_DEPTH} are refused.
 */
final class Json {
    static final int MAX_DEPTH = 64;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Parses a document.
     *
     * @return {@code Map<String, Object>} in the document's order, {@code List<Object>}, {@code String}, {@code Long}
     *     (a number without fraction and exponent that fits), {@code Double}, {@code Boolean} or {@code null}
     * @throws JsonException if it is not JSON; the message says what was expected, and where
     */
    static Object parse(byte[] utf8) throws JsonException {
        Json reader;
        try {
            reader = new Json(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
        } catch (CharacterCodingException error) {
            throw new JsonException("not UTF-8");
        }
        Object value = reader.value(1);
        reader.space();
        if (reader.at < reader.text.length()) {
            throw reader.expected("the end");
        }
        return value;
    }

    private Object value(int depth) throws JsonException {
        if (depth > MAX_DEPTH) {
            throw new JsonException("nested deeper than " + MAX_DEPTH);
        }
        space();
        switch (peek()) {
            case '{':
                return object(depth);
            case '[':
                return list(depth);
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) throws JsonException {
        Map<String, Object> fields = new LinkedHashMap<>();
        at++;
        space();
        if (accept('}')) {
            return fields;
        }
        do {
            space();
            if (peek() != '"') {
                throw expected("a key");
            }
            String key = string();
            space();
            if (!accept(':')) {
                throw expected("':'");
            }
            boolean repeated = fields.containsKey(key);
            fields.put(key, value(depth + 1));
            if (repeated) {
                throw new JsonException("a key stands twice before " + place());
            }
            space();
        } while (accept(','));
        if (!accept('}')) {
            throw expected("',' or '}'");
        }
        return fields;
    }

    private List<Object> list(int depth) throws JsonException {
        List<Object> items = new ArrayList<>();
        at++;
        space();
        if (accept(']')) {
            return items;
        }
        do {
            items.add(value(depth + 1));
            space();
        } while (accept(','));
        if (!accept(']')) {
            throw expected("',' or ']'");
        }
        return items;
    }

    private String string() throws JsonException {
        StringBuilder content = new StringBuilder();
        at++;
        while (!accept('"')) {
            char c = peek();
            if (c < ' ') {
                throw expected("'\"'");
            }
            at++;
            content.append(c == '\\' ? escape() : c);
        }
        for (int i = 0; i < content.length(); i++) {
            if (Character.isSurrogatePair(content.charAt(i), i + 1 < content.length() ? content.charAt(i + 1) : 0)) {
                i++;
            } else if (Character.isSurrogate(content.charAt(i))) {
                throw new JsonException("half of a surrogate pair before " + place());
            }
        }
        return content.toString();
    }

    private char escape() throws JsonException {
        int which = "\"\\/bfnrtu".indexOf(peek());
        if (which < 0) {
            throw expected("an escape");
        }
        at++;
        if (which < 8) {
            return "\"\\/\b\f\n\r\t".charAt(which);
        }
        int unit = 0;
        for (int i = 0; i < 4; i++, at++) {
            int digit = peek() < 0x80 ? Character.digit(peek(), 16) : -1;
            if (digit < 0) {
                throw expected("a hexadecimal digit");
            }
            unit = unit << 4 | digit;
        }
        return (char) unit;
    }

    private Object word(String word, Object meaning) throws JsonException {
        if (!text.startsWith(word, at)) {
            throw expected("a value");
        }
        at += word.length();
        return meaning;
    }

    private Object number() throws JsonException {
        int start = at;
        accept('-');
        if (!accept('0')) {
            digits(start == at ? "a value" : "a digit");
        }
        boolean whole = true;
        if (accept('.')) {
            whole = false;
            digits("a digit");
        }
        if (accept('e') || accept('E')) {
            whole = false;
            if (!accept('+')) {
                accept('-');
            }
            digits("a digit");
        }
        String literal = text.substring(start, at);
        if (whole) {
            try {
                return Long.valueOf(literal);
            } catch (NumberFormatException beyondLong) {
                // read as a double below, as the toolkit does for a field that takes any number
            }
        }
        double value = Double.parseDouble(literal);
        if (Double.isInfinite(value)) {
            throw new JsonException("a number is too large before " + place());
        }
        return value;
    }

    private void digits(String what) throws JsonException {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == start) {
            throw expected(what);
        }
    }

    private void space() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    /** The next character; NUL, which JSON never takes, at the end. */
    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean accept(char c) {
        boolean there = peek() == c;
        if (there) {
            at++;
        }
        return there;
    }

    private JsonException expected(String what) {
        return new JsonException("expected " + what + " at " + place());
    }

    private String place() {
        int line = 1;
        int column = 1;
        for (int i = 0; i < at; i++) {
            boolean end = text.charAt(i) == '\n';
            line += end ? 1 : 0;
            column = end ? 1 : column + 1;
        }
        return "line " + line + " column " + column;
    }
}
