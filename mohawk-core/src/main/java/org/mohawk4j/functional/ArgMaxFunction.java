package org.mohawk4j.functional;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Kernel;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** The place of the largest number of each row, the first of equal ones. No gradient. */
public final class ArgMaxFunction {
    private ArgMaxFunction() {}

    /** On the device. */
    public interface ArgMaxKernel extends Kernel {
        /** Of x [R,C]: int32 [R]. */
        Array argMax(Array x);
    }

    /**
     * @param x [R,C]
     * @return int32 [R]
     */
    public static Tensor apply(Tensor x) {
        Engine engine = x.engine();
        Optional<ArgMaxKernel> kernel = engine.backend().kernel(ArgMaxKernel.class);
        return kernel.map(k -> engine.wrap(k.argMax(x.array()))).orElseGet(() -> reference(x));
    }

    /** By way of the host. */
    public static Tensor reference(Tensor x) {
        float[] numbers = x.toFloats();
        int columns = Math.toIntExact(x.dim(1));
        int[] places = new int[Math.toIntExact(x.dim(0))];
        for (int row = 0; row < places.length; row++) {
            int best = 0;
            for (int i = 1; i < columns; i++) {
                if (numbers[row * columns + i] > numbers[row * columns + best]) {
                    best = i;
                }
            }
            places[row] = best;
        }
        return x.engine().indices(places, places.length);
    }
}
