package org.cspineedge.core.builtin;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A table of a flatbuffer (https://flatbuffers.dev/internals/). Every offset and length is checked before it is
 * followed; what is copied is charged to the engine's memory, because vectors may share bytes of the file.
 */
final class FlatTable {
    private final ByteBuffer file;
    private final Memory memory;
    private final int start;
    private final int fields;
    private final int fieldBytes;

    private FlatTable(ByteBuffer file, Memory memory, long start) throws GraphException {
        this.file = file;
        this.memory = memory;
        this.start = within(file, start, 4);
        this.fields = within(file, start - file.getInt(this.start), 4);
        this.fieldBytes = file.getShort(fields) & 0xFFFF;
        within(file, fields, fieldBytes);
    }

    /** The table at the root. */
    static FlatTable root(ByteBuffer graph, Memory memory) throws GraphException {
        ByteBuffer file = graph.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        return new FlatTable(file, memory, number(file, within(file, 0, 4)));
    }

    int int8(int field, int fallback) throws GraphException {
        int at = place(field, 1);
        return at < 0 ? fallback : file.get(at);
    }

    int int32(int field, int fallback) throws GraphException {
        int at = place(field, 4);
        return at < 0 ? fallback : file.getInt(at);
    }

    float float32(int field, float fallback) throws GraphException {
        int at = place(field, 4);
        return at < 0 ? fallback : file.getFloat(at);
    }

    /** The table of a field; null if it has none. */
    FlatTable table(int field) throws GraphException {
        int at = place(field, 4);
        return at < 0 ? null : new FlatTable(file, memory, at + number(file, at));
    }

    /** The tables of a vector; none if the field is absent. */
    List<FlatTable> tables(int field, int most) throws GraphException {
        List<FlatTable> tables = new ArrayList<>();
        int at = vector(field, 4);
        for (int i = 0; i < length(at, most); i++) {
            int entry = at + 4 + 4 * i;
            tables.add(new FlatTable(file, memory, entry + number(file, entry)));
        }
        return tables;
    }

    /** The numbers of a vector; none if the field is absent. */
    int[] ints(int field, int most) throws GraphException {
        int at = vector(field, 4);
        int[] values = memory.ints(length(at, most));
        for (int i = 0; i < values.length; i++) {
            values[i] = file.getInt(at + 4 + 4 * i);
        }
        return values;
    }

    /** The numbers of a vector; none if the field is absent. */
    float[] floats(int field, int most) throws GraphException {
        int at = vector(field, 4);
        float[] values = memory.floats(length(at, most));
        for (int i = 0; i < values.length; i++) {
            values[i] = file.getFloat(at + 4 + 4 * i);
        }
        return values;
    }

    /** The numbers of a vector of 64 bits each, none of which may need more than 32; none if the field is absent. */
    int[] longs(int field, int most) throws GraphException {
        int at = vector(field, 8);
        int[] values = memory.ints(length(at, most));
        for (int i = 0; i < values.length; i++) {
            long value = file.getLong(at + 4 + 8 * i);
            values[i] = (int) value;
            if (values[i] != value) {
                throw GraphException.broken("a number is too large");
            }
        }
        return values;
    }

    /** The bytes of a vector, as a little-endian view; null if the field is absent. */
    ByteBuffer bytes(int field) throws GraphException {
        int at = vector(field, 1);
        if (at < 0) {
            return null;
        }
        ByteBuffer view = file.duplicate();
        view.position(at + 4).limit(at + 4 + file.getInt(at));
        return view.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Position of the vector of a field, which lies wholly in the file; -1 if the field is absent. */
    private int vector(int field, int size) throws GraphException {
        int at = place(field, 4);
        if (at < 0) {
            return -1;
        }
        int vector = within(file, at + number(file, at), 4);
        within(file, vector + 4L, size * number(file, vector));
        return vector;
    }

    private int length(int vector, int most) throws GraphException {
        int length = vector < 0 ? 0 : file.getInt(vector);
        if (length > most) {
            throw GraphException.broken("a list has " + length + " entries");
        }
        return length;
    }

    /** Position of a field's value; -1 if it is absent. */
    private int place(int field, int size) throws GraphException {
        int entry = 4 + 2 * field;
        if (entry + 2 > fieldBytes) {
            return -1;
        }
        int offset = file.getShort(fields + entry) & 0xFFFF;
        return offset == 0 ? -1 : within(file, (long) start + offset, size);
    }

    private static long number(ByteBuffer file, int at) {
        return file.getInt(at) & 0xFFFFFFFFL;
    }

    private static int within(ByteBuffer file, long at, long size) throws GraphException {
        if (at < 0 || at + size > file.limit()) {
            throw GraphException.broken("an offset leads out of the file");
        }
        return (int) at;
    }
}
