package org.mohawk4j.op.loss;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The likeliest tokens of a model's distributions. No gradient. Probabilities are computed by the backend, some rows at a
 * time, and chosen on the host.
 */
public final class TopKFunction {
    /** Large enough for a device to be busy with, small beside the hidden states of a batch. */
    private static final long PROBABILITIES_AT_ONCE = 1 << 22;

    private TopKFunction() {}

    /**
     * Of each row of {@code softmax(logits / temperature)} the k largest, in falling order, the lower id first among equal
     * ones.
     *
     * @param k from 1 to V
     */
    public static TopKLogits of(LmHead head, double temperature, int k) {
        long vocabulary = head.weight().dim(0);
        if (k < 1 || k > vocabulary) {
            throw new IllegalArgumentException("k: expected 1 to " + vocabulary + ", got " + k);
        }
        Engine engine = head.hidden().engine();
        long rows = head.hidden().dim(0);
        long chunk = Math.max(1, Math.min(rows, PROBABILITIES_AT_ONCE / vocabulary));
        Chosen chosen = new Chosen(Math.toIntExact(rows), k, Math.toIntExact(vocabulary));
        for (long from = 0; from < rows; from += chunk) {
            LmHead part = head.detach().rows(from, Math.min(chunk, rows - from));
            try (Scope scope = engine.scope()) {
                chosen.add(engine.unrecorded(
                                () -> part.logits().mul(1 / temperature).softmax())
                        .toFloats());
            }
        }
        return chosen.all();
    }

    /** What has been chosen of the rows so far. */
    private static final class Chosen {
        private final int rows;
        private final int k;
        private final int vocabulary;
        private final ByteBuffer ids;
        private final ByteBuffer probabilities;
        private final ByteBuffer rest;

        /** A heap of the row's likeliest so far, the least likely first. */
        private final float[] values;

        private final int[] places;

        Chosen(int rows, int k, int vocabulary) {
            this.rows = rows;
            this.k = k;
            this.vocabulary = vocabulary;
            this.ids = allocate(rows * (long) k * Integer.BYTES);
            this.probabilities = allocate(rows * (long) k * Float.BYTES);
            this.rest = allocate(rows * (long) Float.BYTES);
            this.values = new float[k];
            this.places = new int[k];
        }

        private static ByteBuffer allocate(long bytes) {
            return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
        }

        /** @param some the distributions of the next rows */
        void add(float[] some) {
            for (int start = 0; start < some.length; start += vocabulary) {
                addRow(some, start);
            }
        }

        private void addRow(float[] all, int start) {
            double others = 0;
            System.arraycopy(all, start, values, 0, k);
            for (int i = 0; i < k; i++) {
                places[i] = i;
            }
            for (int i = k / 2 - 1; i >= 0; i--) {
                sink(i, k);
            }
            for (int v = k; v < vocabulary; v++) {
                float value = all[start + v];
                // an equal one has a higher id than all that are there
                if (value > values[0]) {
                    others += values[0];
                    values[0] = value;
                    places[0] = v;
                    sink(0, k);
                } else {
                    others += value;
                }
            }
            for (int last = k - 1; last > 0; last--) {
                swap(0, last);
                sink(0, last);
            }
            for (int i = 0; i < k; i++) {
                ids.putInt(places[i]);
                probabilities.putFloat(values[i]);
            }
            rest.putFloat((float) others);
        }

        private void sink(int from, int size) {
            int parent = from;
            for (int child = 2 * parent + 1; child < size; child = 2 * parent + 1) {
                if (child + 1 < size && isLess(child + 1, child)) {
                    child++;
                }
                if (!isLess(child, parent)) {
                    return;
                }
                swap(child, parent);
                parent = child;
            }
        }

        private boolean isLess(int a, int b) {
            return values[a] < values[b] || (values[a] == values[b] && places[a] > places[b]);
        }

        private void swap(int a, int b) {
            float value = values[a];
            values[a] = values[b];
            values[b] = value;
            int place = places[a];
            places[a] = places[b];
            places[b] = place;
        }

        TopKLogits all() {
            return new TopKLogits(
                    new HostTensor(DType.INT32, Shape.of(rows, k), ids.flip()),
                    new HostTensor(DType.FLOAT32, Shape.of(rows, k), probabilities.flip()),
                    new HostTensor(DType.FLOAT32, Shape.of(rows), rest.flip()));
        }
    }
}
