package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static Object parse(String text) throws JsonException {
        return Json.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String refusal(String text) {
        return assertThrows(JsonException.class, () -> parse(text)).getMessage();
    }

    @Test
    void everyKindOfValueIsRead() throws JsonException {
        assertEquals(
                Arrays.asList(1L, -2.5, "a", true, false, null, Map.of(), List.of()),
                parse(" [1, -2.5,\t\"a\",\r\ntrue, false, null, {}, [ ]] "));
        assertNull(parse("null"));
    }

    @Test
    void fieldsKeepTheirOrder() throws JsonException {
        Map<?, ?> fields = (Map<?, ?>) parse("{\"z\": 1, \"a\": {\"y\": [2]}, \"m\": 3}");
        assertEquals(List.of("z", "a", "m"), new ArrayList<>(fields.keySet()));
        assertEquals(Map.of("y", List.of(2L)), fields.get("a"));
    }

    @Test
    void numbersAreLongsWhereTheyFitAndElseTheNearestDoubles() throws JsonException {
        assertEquals(List.of(0L, 0L, Long.MAX_VALUE), parse("[0, -0, 9223372036854775807]"));
        assertEquals(List.of(9223372036854775808.0, 0.1, 1.0, -1e-7), parse("[9223372036854775808, 0.1, 1e0, -1E-7]"));
        assertEquals(-0.0, parse("-0.0"));
        assertEquals(0.0, parse("1e-400"));
    }

    @Test
    void escapesAndCharactersBeyondAsciiAreRead() throws JsonException {
        assertEquals("\"\\/\b\f\n\r\té\uD83D\uDE00", parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\ud83d\\ude00\""));
        assertEquals("Bruch – Höhe C5 \uD83D\uDE00", parse("\"Bruch – Höhe C5 \uD83D\uDE00\""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", " ", "nul", "tru", "True", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01", ".5", "1.",
                "1.e3", "1e", "1e+", "0x10", "1 2", "[1,]", "[,1]", "[1 2]", "[", "]", "{", "{\"a\"}", "{\"a\":}",
                "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\":1", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"",
                "\"\\u１２３４\"", "\"a\nb\"", "\"\u0000\"", "\uFEFF1", "1\u00A0", "/**/1", "\u0000"
            })
    void whatIsNotJsonIsRefused(String text) {
        refusal(text);
    }

    @Test
    void keysThatRepeatAreRefused() {
        assertEquals("a key stands twice before line 1 column 14", refusal("{\"a\":1, \"a\":1}"));
        assertEquals("a key stands twice before line 1 column 20", refusal("{\"a\":null, \"a\":null}"));
    }

    @Test
    void halvesOfSurrogatePairsAreRefused() {
        for (String text : List.of("\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ude00\\ud83d\"")) {
            assertEquals("half of a surrogate pair before line 1 column", refusal(text).replaceAll(" \\d+$", ""));
        }
    }

    @Test
    void numbersBeyondDoubleAreRefused() {
        assertEquals("a number is too large before line 1 column 6", refusal("1e309"));
        refusal("-" + "9".repeat(400));
    }

    @Test
    void nestingIsLimited() throws JsonException {
        parse("[".repeat(Json.MAX_DEPTH) + "]".repeat(Json.MAX_DEPTH));
        assertEquals("nested deeper than 64", refusal("[".repeat(1_000_000)));
        assertEquals("nested deeper than 64", refusal("{\"a\":".repeat(65) + "1" + "}".repeat(65)));
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() {
        for (byte[] bytes : List.of(
                new byte[] {'"', (byte) 0xE9, '"'},
                new byte[] {'"', (byte) 0xC0, (byte) 0x80, '"'},
                new byte[] {'"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"'})) {
            assertEquals("not UTF-8", assertThrows(JsonException.class, () -> Json.parse(bytes)).getMessage());
        }
    }

    @Test
    void theMessageNamesThePlace() {
        assertEquals("expected ',' or '}' at line 3 column 3", refusal("{\n \"a\": 1\n  \"b\": 2}"));
        assertEquals("expected the end at line 2 column 1", refusal("1\n2"));
    }
}
