package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import org.mohawk4j.op.loss.TopKLogits;

/**
 * Of each window its tokens' distributions, one part: what is not kept of each, then probabilities, then ids.
 *
 * @param vocabulary V
 * @param k kept of each distribution
 * @param temperature of the distributions
 * @param context T
 * @param teacher its {@link TeacherIdentity}
 */
record TokenLayout(int vocabulary, int k, double temperature, int context, String teacher) implements WindowLayout {
    private static final long MAGIC = 0x534b504f_54484d89L;

    /** The most ids that two bytes tell apart. */
    private static final int MOST_SHORT = 1 << Short.SIZE;

    @Override
    public String kind() {
        return "a teacher's top-k tokens";
    }

    @Override
    public String details() {
        return k + " of " + vocabulary + " tokens at temperature " + temperature + " in windows of " + context;
    }

    @Override
    public ByteBuffer header() {
        return WindowLayout.end(
                WindowLayout.begin(MAGIC)
                        .putInt(vocabulary)
                        .putInt(k)
                        .putInt(context)
                        .putDouble(temperature),
                teacher);
    }

    @Override
    public int parts() {
        return 1;
    }

    @Override
    public int partBytes() {
        int kept = Math.multiplyExact(k, Float.BYTES + idBytes());
        return Math.multiplyExact(context, Math.addExact(Float.BYTES, kept));
    }

    private int idBytes() {
        return vocabulary <= MOST_SHORT ? Short.BYTES : Integer.BYTES;
    }

    /**
     * A window as the file has it.
     *
     * @param window [T,K]
     */
    ByteBuffer write(TopKLogits window) {
        ByteBuffer bytes = ByteBuffer.allocate(partBytes()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(window.rest().data()).put(window.probabilities().data());
        if (idBytes() == Integer.BYTES) {
            return bytes.put(window.ids().data()).flip();
        }
        ByteBuffer ids = window.ids().data();
        while (ids.hasRemaining()) {
            bytes.putShort((short) ids.getInt());
        }
        return bytes.flip();
    }

    /** Reads a window that {@link #write} gave, to the end of each of the three. */
    void read(ByteBuffer window, ByteBuffer ids, ByteBuffer probabilities, ByteBuffer rest) {
        ByteBuffer bytes = window.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int tokens = context * Float.BYTES;
        rest.put(bytes.slice(0, tokens));
        probabilities.put(bytes.slice(tokens, tokens * k));
        bytes.position(tokens * (1 + k));
        if (idBytes() == Integer.BYTES) {
            ids.put(bytes);
            return;
        }
        ShortBuffer places = bytes.asShortBuffer();
        while (places.hasRemaining()) {
            ids.putInt(Short.toUnsignedInt(places.get()));
        }
    }
}
