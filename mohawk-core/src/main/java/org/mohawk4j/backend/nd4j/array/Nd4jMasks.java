package org.mohawk4j.backend.nd4j.array;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Matrices of two values, one on and below a diagonal and one above it. The last few are kept. A product or a sum with
 * one is how triangles are cut out here: ND4J's own band operation takes eighty times as long.
 */
public final class Nd4jMasks {
    private static final int KEPT = 32;

    /** Takes the place of minus infinity: its exponential is zero. */
    private static final double MASKED = -1e30;

    private final Nd4jPool pool;
    private final Map<Key, Nd4jArray> masks = new LinkedHashMap<>(16, 0.75f, true);

    private record Key(DType dtype, long rows, long columns, long diagonal, double below, double above) {}

    public Nd4jMasks(Nd4jPool pool) {
        this.pool = pool;
    }

    /** Added to scores whose last rows are the present: no change for the past, no weight for the future. */
    public INDArray future(DType dtype, long rows, long columns) {
        return triangle(dtype, rows, columns, columns - rows, 0, MASKED);
    }

    /** @param diagonal 0 keeps column ≤ row, k keeps column ≤ row + k */
    public INDArray triangle(DType dtype, long rows, long columns, long diagonal, double below, double above) {
        Key key = new Key(dtype, rows, columns, diagonal, below, above);
        Nd4jArray mask = masks.get(key);
        if (mask == null) {
            if (masks.size() == KEPT) {
                var eldest = masks.values().iterator();
                pool.release(eldest.next());
                eldest.remove();
            }
            mask = create(key);
            masks.put(key, mask);
        }
        return mask.values();
    }

    private Nd4jArray create(Key key) {
        double[] values = new double[Math.toIntExact(key.rows() * key.columns())];
        Arrays.fill(values, key.above());
        for (long row = 0; row < key.rows(); row++) {
            long kept = Math.max(0, Math.min(key.columns(), row + key.diagonal() + 1));
            int start = Math.toIntExact(row * key.columns());
            Arrays.fill(values, start, Math.toIntExact(start + kept), key.below());
        }
        Nd4jArray triangle = pool.take(key.dtype(), Shape.of(key.rows(), key.columns()));
        Nd4jArray.flat(triangle).assign(Nd4j.createFromArray(values));
        return triangle;
    }
}
