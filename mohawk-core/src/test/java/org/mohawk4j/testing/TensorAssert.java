package org.mohawk4j.testing;

import java.util.Arrays;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Assertions on arrays that name the worst element. */
public final class TensorAssert {
    private TensorAssert() {}

    /** Element by element, within a tolerance of its own for each. */
    public static void assertClose(String what, HostArray actual, HostArray expected, HostArray tolerance) {
        assertShape(what, actual.shape(), expected.shape());
        assertShape(what + ", tolerance", tolerance.shape(), expected.shape());
        int wrong = 0;
        int worst = 0;
        double worstRatio = -1;
        int size = Math.toIntExact(expected.shape().size());
        for (int i = 0; i < size; i++) {
            if (!Closeness.close(actual.flat(i), expected.flat(i), tolerance.flat(i))) {
                wrong++;
                double ratio = Math.abs(actual.flat(i) - expected.flat(i)) / Math.max(tolerance.flat(i), 1e-300);
                if (!(ratio <= worstRatio)) {
                    worstRatio = ratio;
                    worst = i;
                }
            }
        }
        if (wrong > 0) {
            throw new AssertionError(what + ": " + wrong + " of " + size + " elements of shape " + expected.shape()
                    + " are wrong, the worst at " + Arrays.toString(index(expected.shape(), worst)) + ": expected "
                    + expected.flat(worst) + " within " + tolerance.flat(worst) + ", got " + actual.flat(worst));
        }
    }

    /** All numbers within the tolerance; AssertJ takes minutes for a million. */
    public static void assertClose(String what, double[] actual, double[] expected, double tolerance) {
        if (actual.length != expected.length) {
            throw new AssertionError(
                    what + ": " + actual.length + " numbers where " + expected.length + " are expected");
        }
        for (int i = 0; i < expected.length; i++) {
            if (!Closeness.close(actual[i], expected[i], tolerance)) {
                throw new AssertionError(
                        what + "[" + i + "]: expected " + expected[i] + " within " + tolerance + ", got " + actual[i]);
            }
        }
    }

    /** Norm of the difference over norm of the expected. */
    public static void assertRelative(String what, Tensor actual, Tensor expected, double tolerance) {
        assertShape(what, actual.shape(), expected.shape());
        double error = Closeness.relativeError(actual.toDoubles(), expected.toDoubles());
        if (!(error <= tolerance)) {
            throw new AssertionError(
                    what + " " + expected.shape() + ": relative error " + error + " exceeds " + tolerance);
        }
    }

    private static void assertShape(String what, Shape actual, Shape expected) {
        if (!actual.equals(expected)) {
            throw new AssertionError(what + ": shape " + actual + " where " + expected + " is expected");
        }
    }

    private static long[] index(Shape shape, int position) {
        long[] index = new long[shape.rank()];
        long rest = position;
        for (int axis = index.length - 1; axis >= 0; axis--) {
            index[axis] = rest % shape.dim(axis);
            rest /= shape.dim(axis);
        }
        return index;
    }
}
