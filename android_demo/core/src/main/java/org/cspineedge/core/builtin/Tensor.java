package org.cspineedge.core.builtin;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** A tensor of the graph: what the file says of it. */
final class Tensor {
    /** Types of the schema (https://github.com/google-ai-edge/LiteRT, {@code schema.fbs}). */
    static final int FLOAT32 = 0;

    static final int INT32 = 2;
    static final int UINT8 = 3;
    static final int INT8 = 9;

    private static final int MOST_DIMENSIONS = 8;
    private static final int MOST_CHANNELS = 1 << 16;

    final int[] shape;
    final int type;
    /** Real value of a step: none, one, or one for each index of {@link #axis}. */
    final float[] scales;

    final int zeroPoint;
    final int axis;
    /** The content of a constant, little-endian; null of a computed tensor. */
    final ByteBuffer data;

    private Tensor(int[] shape, int type, float[] scales, int zeroPoint, int axis, ByteBuffer data) {
        this.shape = shape;
        this.type = type;
        this.scales = scales;
        this.zeroPoint = zeroPoint;
        this.axis = axis;
        this.data = data;
    }

    static Tensor of(FlatTable table, ByteBuffer data) throws GraphException {
        int[] shape = table.ints(0, MOST_DIMENSIONS);
        long size = 1;
        for (int side : shape) {
            size *= side;
            if (side < 1 || size > Memory.LIMIT) {
                throw GraphException.broken("a tensor has the shape " + Arrays.toString(shape));
            }
        }
        FlatTable quantization = table.table(4);
        float[] scales = {};
        int zeroPoint = 0;
        int axis = 0;
        if (quantization != null) {
            scales = quantization.floats(2, MOST_CHANNELS);
            int[] zeroPoints = quantization.longs(3, MOST_CHANNELS);
            axis = quantization.int32(6, 0);
            zeroPoint = zeroPoints.length == 0 ? 0 : zeroPoints[0];
            for (int other : zeroPoints) {
                if (other != zeroPoint) {
                    throw GraphException.lacking("a zero point per channel");
                }
            }
        }
        for (float scale : scales) {
            if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
                throw GraphException.broken("a scale is " + scale);
            }
        }
        return new Tensor(shape, table.int8(1, 0), scales, zeroPoint, axis, data);
    }

    int length() {
        int length = 1;
        for (int side : shape) {
            length *= side;
        }
        return length;
    }

    /** Length of the last side; 1 of a tensor without sides. */
    int lastSide() {
        return shape.length == 0 ? 1 : shape[shape.length - 1];
    }

    /** Real value of a step of a tensor that has one scale. */
    float scale() {
        return scales[0];
    }

    boolean isQuantized() {
        return type == INT8 || type == UINT8;
    }

    /** A copy of the bytes of a constant of int8 or uint8. */
    byte[] bytes(Memory memory) throws GraphException {
        Shapes.requireEqual(data.limit(), length());
        byte[] values = memory.bytes(length());
        data.duplicate().get(values);
        return values;
    }

    /** A copy of the numbers of a constant of int32. */
    int[] ints(Memory memory) throws GraphException {
        Shapes.requireEqual(data.limit(), 4L * length());
        int[] values = memory.ints(length());
        data.duplicate().order(data.order()).asIntBuffer().get(values);
        return values;
    }

    /** Smallest stored value. */
    int lowest() {
        return type == INT8 ? -128 : 0;
    }

    /** Largest stored value. */
    int highest() {
        return lowest() + 255;
    }
}
