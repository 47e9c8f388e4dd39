package org.mohawk4j.backend.nd4j.array;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.mohawk4j.tensor.types.DType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Single numbers by index, by loops of ours, which take a nanosecond for each: ND4J copies rows, and takes 65 ns to read
 * one of a single number and 600 ns to add one.
 */
public final class Nd4jSingles {
    private Nd4jSingles() {}

    /** Whether rows of some width in a table are for this class. */
    public static boolean serves(Nd4jArray table) {
        return table.shape().dim(1) == 1 && table.shape().size() * table.dtype().bytes() <= Integer.MAX_VALUE;
    }

    /** {@code y[i] = table[ids[i]]}. */
    public static void gather(Nd4jArray table, Nd4jArray ids, Nd4jArray y) {
        IntBuffer places = toRead(ids).asIntBuffer();
        if (y.dtype() == DType.FLOAT64) {
            DoubleBuffer from = toRead(table).asDoubleBuffer();
            DoubleBuffer to = bytes(y).asDoubleBuffer();
            for (int i = 0; i < places.limit(); i++) {
                to.put(i, from.get(places.get(i)));
            }
        } else {
            FloatBuffer from = toRead(table).asFloatBuffer();
            FloatBuffer to = bytes(y).asFloatBuffer();
            for (int i = 0; i < places.limit(); i++) {
                to.put(i, from.get(places.get(i)));
            }
        }
        written(y);
    }

    /** {@code y[ids[i]] += numbers[i]}, one after the other. */
    public static void scatterAdd(Nd4jArray numbers, Nd4jArray ids, Nd4jArray y) {
        IntBuffer places = toRead(ids).asIntBuffer();
        if (y.dtype() == DType.FLOAT64) {
            DoubleBuffer from = toRead(numbers).asDoubleBuffer();
            DoubleBuffer to = toRead(y).asDoubleBuffer();
            for (int i = 0; i < places.limit(); i++) {
                to.put(places.get(i), to.get(places.get(i)) + from.get(i));
            }
        } else {
            FloatBuffer from = toRead(numbers).asFloatBuffer();
            FloatBuffer to = toRead(y).asFloatBuffer();
            for (int i = 0; i < places.limit(); i++) {
                to.put(places.get(i), to.get(places.get(i)) + from.get(i));
            }
        }
        written(y);
    }

    private static ByteBuffer toRead(Nd4jArray array) {
        Nd4j.getAffinityManager().ensureLocation(array.values(), Location.HOST);
        return bytes(array);
    }

    private static ByteBuffer bytes(Nd4jArray array) {
        int width = array.dtype().bytes();
        return array.block()
                .buffer()
                .asNio()
                .slice(
                        Math.toIntExact(array.offset() * width),
                        Math.toIntExact(array.shape().size() * width))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void written(Nd4jArray array) {
        Nd4j.getAffinityManager().tagLocation(array.values(), Location.HOST);
    }
}
