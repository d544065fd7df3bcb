package org.cspineedge.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class JsonTextTest {
    private static Object back(Object value) throws JsonException {
        return Json.parse(JsonText.of(value).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void everyKindOfValueComesBack() throws JsonException {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("z", Arrays.asList(1L, -2.5, "a", true, null, List.of(), Map.of()));
        document.put("a", Map.of("b", 1e-300));
        assertEquals(document, back(document));
        assertEquals(
                "{\"z\": [1, -2.5, \"a\", true, null, [], {}], \"a\": {\"b\": 1.0E-300}}", JsonText.of(document));
        assertEquals(Arrays.asList(7L, null, 0.5, null), back(List.of(
                OptionalInt.of(7), OptionalInt.empty(), OptionalDouble.of(0.5), OptionalDouble.empty())));
    }

    @Test
    void numbersComeBackToTheBit() throws JsonException {
        for (double value : new double[] {0.1, 1.0 / 3, Double.MIN_VALUE, Double.MAX_VALUE, -0.0, 1e21, 123456789.0}) {
            assertEquals(value, back(value));
        }
        assertEquals(Long.MIN_VALUE, back(Long.MIN_VALUE));
    }

    @Test
    void stringsComeBackWhateverTheyHold() throws JsonException {
        for (String text : new String[] {"\"\\/\b\f\n\r\t\0\u001f\u007f", "für Ähnliches 頸椎 \uD83E\uDDB4", ""}) {
            assertEquals(text, back(text));
        }
        assertEquals("a\uFFFDb\uFFFD", back("a\uDC00b\uD800"), "halves of pairs are not UTF-8");
    }

    @Test
    void whatJsonDoesNotHaveIsRefused() {
        for (Object value : new Object[] {Double.NaN, Double.POSITIVE_INFINITY, 'c', new int[1]}) {
            assertThrows(IllegalArgumentException.class, () -> JsonText.of(List.of(value)));
        }
    }
}
