package org.cspineedge.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Supplier;

/** The fields of a JSON object, each read with its type checked; fields nobody asks for are passed over. */
final class Fields {
    private final Map<?, ?> values;
    private final String where;

    /**
     * @param value what {@link Json#parse} gave
     * @param where name of the object's place for messages; empty for the document itself
     * @throws JsonException if it is no object
     */
    Fields(Object value, String where) throws JsonException {
        this.where = where;
        if (!(value instanceof Map<?, ?> map)) {
            throw new JsonException(place() + " should be an object");
        }
        this.values = map;
    }

    /** True if the field is there and not null. */
    boolean has(String name) {
        return values.get(name) != null;
    }

    String text(String name) throws JsonException {
        return textOf(required(name), path(name));
    }

    int integer(String name) throws JsonException {
        Object value = required(name);
        if (value instanceof Long whole) {
            if (whole.intValue() != whole) {
                throw new JsonException(path(name) + " should be an integer of at most 32 bits");
            }
            return whole.intValue();
        }
        throw new JsonException(path(name) + " should be an integer");
    }

    double number(String name) throws JsonException {
        return numberOf(required(name), path(name));
    }

    /** A number that must be there and may be null. */
    OptionalDouble optionalNumber(String name) throws JsonException {
        Object value = required(name);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(numberOf(value, path(name)));
    }

    Fields object(String name) throws JsonException {
        return new Fields(required(name), path(name));
    }

    List<Fields> objects(String name) throws JsonException {
        List<Fields> objects = new ArrayList<>();
        for (Object item : list(name)) {
            objects.add(new Fields(item, path(name) + "[" + objects.size() + "]"));
        }
        return objects;
    }

    List<String> texts(String name) throws JsonException {
        List<String> texts = new ArrayList<>();
        for (Object item : list(name)) {
            texts.add(textOf(item, path(name) + "[" + texts.size() + "]"));
        }
        return texts;
    }

    List<Double> numbers(String name) throws JsonException {
        return numbersOf(required(name), path(name));
    }

    /** An object whose values are lists of lists of numbers, in the document's order. */
    Map<String, List<List<Double>>> numberTables(String name) throws JsonException {
        Map<String, List<List<Double>>> tables = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : object(name).values.entrySet()) {
            List<List<Double>> table = new ArrayList<>();
            for (Object row : listOf(entry.getValue(), path(name))) {
                table.add(numbersOf(row, path(name)));
            }
            tables.put((String) entry.getKey(), table);
        }
        return tables;
    }

    /** Builds what the fields describe, naming this object where they contradict one another. */
    <T> T build(Supplier<T> constructor) throws JsonException {
        try {
            return constructor.get();
        } catch (IllegalArgumentException error) {
            throw new JsonException(place() + ": " + error.getMessage());
        }
    }

    private List<?> list(String name) throws JsonException {
        return listOf(required(name), path(name));
    }

    private Object required(String name) throws JsonException {
        if (!values.containsKey(name)) {
            throw new JsonException(path(name) + " is missing");
        }
        return values.get(name);
    }

    private String path(String name) {
        return where.isEmpty() ? name : where + "." + name;
    }

    private String place() {
        return where.isEmpty() ? "the document" : where;
    }

    private static List<?> listOf(Object value, String path) throws JsonException {
        if (value instanceof List<?> list) {
            return list;
        }
        throw new JsonException(path + " should be a list");
    }

    private static List<Double> numbersOf(Object value, String path) throws JsonException {
        List<Double> numbers = new ArrayList<>();
        for (Object item : listOf(value, path)) {
            numbers.add(numberOf(item, path));
        }
        return numbers;
    }

    private static double numberOf(Object value, String path) throws JsonException {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw new JsonException(path + " should be a number");
    }

    private static String textOf(Object value, String path) throws JsonException {
        if (value instanceof String text) {
            return text;
        }
        throw new JsonException(path + " should be a string");
    }
}
