package org.mohawk4j.op;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** The place of the largest number of each row, the first of equal ones. No gradient. */
public final class ArgMaxFunction {
    private ArgMaxFunction() {}

    /** On the device. */
    public interface FusedArgMax extends FusedOp {
        /** Of x [R,C]: int32 [R]. */
        Array argMax(Array x);

        /** The same, written to an array of R elements. */
        void argMaxInto(Array target, Array x);
    }

    /**
     * @param x [R,C]
     * @return int32 [R]
     */
    public static Tensor apply(Tensor x) {
        Engine engine = x.engine();
        Optional<FusedArgMax> kernel = engine.backend().fused(FusedArgMax.class);
        return kernel.map(k -> engine.wrap(k.argMax(x.array()))).orElseGet(() -> reference(x));
    }

    /**
     * Overwrites an array.
     *
     * @param target int32, with one element for each row
     * @param x [R,C]
     */
    public static void into(Tensor target, Tensor x) {
        if (target.dtype() != DType.INT32 || target.shape().size() != x.dim(0)) {
            throw new IllegalArgumentException("argmax of x " + x.shape() + " needs a target of INT32 with " + x.dim(0)
                    + " elements; got " + target.dtype() + " " + target.shape());
        }
        Engine engine = x.engine();
        Optional<FusedArgMax> kernel = engine.backend().fused(FusedArgMax.class);
        if (kernel.isPresent()) {
            kernel.get().argMaxInto(target.array(), x.array());
            return;
        }
        try (Scope temporary = engine.scope()) {
            Tensor places = temporary.adopt(reference(x)).reshape(target.shape().toArray());
            engine.backend().memory().copyInto(target.array(), places.array());
        }
    }

    /** By way of the host. */
    public static Tensor reference(Tensor x) {
        float[] numbers = x.toFloats();
        int columns = Math.toIntExact(x.dim(1));
        int[] places = new int[Math.toIntExact(x.dim(0))];
        for (int row = 0; row < places.length; row++) {
            places[row] = of(numbers, row * columns, columns);
        }
        return x.engine().indices(places, places.length);
    }

    /** The place among {@code count} numbers on the host, counted from the first at {@code from}. */
    public static int of(float[] numbers, int from, int count) {
        int best = 0;
        for (int i = 1; i < count; i++) {
            if (numbers[from + i] > numbers[from + best]) {
                best = i;
            }
        }
        return best;
    }
}
