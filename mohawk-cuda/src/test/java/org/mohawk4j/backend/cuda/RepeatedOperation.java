package org.mohawk4j.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * An operation that must give the same bits every time.
 *
 * @param function leaves its inputs as they are
 * @param differentiated whether gradients are looked at as well
 * @param inputs their shapes
 */
record RepeatedOperation(
        String name, Function<List<Tensor>, List<Tensor>> function, boolean differentiated, List<Shape> inputs) {
    static final Shape ROWS = Shape.of(828, 256);
    static final Shape SEQUENCES = Shape.of(4, 207, 256);
    static final Shape HEADS = Shape.of(4, 207, 4, 64);
    static final Shape GROUPS = Shape.of(4, 207, 2, 64);
    static final Shape FEW_ROWS = Shape.of(3, 256);
    static final int[] IDS = new Random(1).ints(4 * 207, 0, 63).toArray();

    /** Whether the numbers are what mixed precision narrows, and no parameter, state or decay. */
    static boolean isActivation(Shape shape) {
        return (shape.rank() == 4 && shape.dim(0) == SEQUENCES.dim(0) && shape.dim(1) != 4)
                || shape.equals(ROWS)
                || shape.equals(SEQUENCES)
                || shape.equals(FEW_ROWS);
    }

    static List<RepeatedOperation> all() {
        List<RepeatedOperation> all = new ArrayList<>();
        DifferentiatedOperations.addTo(all);
        UndifferentiatedOperations.addTo(all);
        return all;
    }

    static void add(
            List<RepeatedOperation> all, String name, Function<List<Tensor>, Tensor> function, Shape... inputs) {
        all.add(new RepeatedOperation(name, x -> List.of(function.apply(x)), true, List.of(inputs)));
    }

    static void addUntracked(
            List<RepeatedOperation> all, String name, Function<List<Tensor>, List<Tensor>> function, Shape... inputs) {
        all.add(new RepeatedOperation(name, function, false, List.of(inputs)));
    }
}
