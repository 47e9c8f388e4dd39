package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import org.mohawk4j.tensor.types.DType;

/**
 * Of each window hidden states, each a part.
 *
 * @param dtype of the states
 * @param states kept of each window: L + 1, or the last alone
 * @param context T
 * @param width D
 * @param teacher its {@link TeacherIdentity}
 */
record StateLayout(DType dtype, int states, int context, int width, String teacher) implements WindowLayout {
    private static final long MAGIC = 0x45544154_53484d89L;

    @Override
    public String kind() {
        return "a teacher's states";
    }

    @Override
    public String details() {
        return states + " states of [" + context + "," + width + "] in " + dtype;
    }

    @Override
    public ByteBuffer header() {
        return WindowLayout.end(
                WindowLayout.begin(MAGIC)
                        .putInt(code(dtype))
                        .putInt(states)
                        .putInt(context)
                        .putInt(width),
                teacher);
    }

    @Override
    public int parts() {
        return states;
    }

    @Override
    public int partBytes() {
        return Math.multiplyExact(Math.multiplyExact(context, width), dtype.bytes());
    }

    private static int code(DType dtype) {
        return switch (dtype) {
            case FLOAT32 -> 1;
            case FLOAT64 -> 2;
            case FLOAT16 -> 3;
            case BFLOAT16 -> 4;
            case INT32, INT64 -> throw new IllegalArgumentException("hidden states: expected numbers, got " + dtype);
        };
    }
}
