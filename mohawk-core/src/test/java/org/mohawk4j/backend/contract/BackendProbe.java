package org.mohawk4j.backend.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.TreeSet;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/**
 * Runs operations on an open backend under conditions that expose mistakes: all memory that a result could land in holds
 * NaN, inputs come whole and as views into larger arrays, and must be the same afterwards, and nothing may stay behind.
 */
public final class BackendProbe {
    private static final int POISONED_BLOCKS = 4;

    /** Of blocks poisoned beside those of the sizes at hand: powers of two from a few bytes to some megabytes. */
    private static final int LEAST_POWER = 4;

    private static final int MOST_POWER = 20;

    /** What rounding to bfloat16 may change a number by, relative to it. */
    private static final double BFLOAT16_ROUNDING = 1.0 / 256;

    private final Backend backend;
    private final DType dtype;
    private final boolean mixed;
    private final double matmulEpsilon;

    /** @param dtype the type of the numbers that operations are tried on */
    BackendProbe(Backend backend, DType dtype, boolean mixed, double matmulEpsilon) {
        this.backend = backend;
        this.dtype = dtype;
        this.mixed = mixed;
        this.matmulEpsilon = matmulEpsilon;
    }

    /** The operation under test. */
    @FunctionalInterface
    interface Operation {
        Array apply(Backend backend, List<Array> inputs);
    }

    /** Host numbers and the type that the backend gets them in. */
    record Input(HostArray values, DType dtype) {
        Array upload(Backend backend) {
            return backend.memory().upload(values.toHostTensor(), dtype);
        }

        /** The same numbers as a part of a larger array, with others before and after. */
        Array uploadAsView(Backend backend) {
            long size = values.shape().size();
            double[] surrounded = new double[Math.toIntExact(3 * size)];
            Arrays.fill(surrounded, dtype.isFloating() ? Double.NaN : 0);
            System.arraycopy(values.values(), 0, surrounded, Math.toIntExact(size), Math.toIntExact(size));
            Array larger = backend.memory()
                    .upload(HostArray.of(Shape.of(3, size), surrounded).toHostTensor(), dtype);
            Array row = backend.layout().narrow(larger, 0, 1, 1);
            Array view = backend.layout().reshape(row, values.shape());
            backend.memory().release(larger);
            backend.memory().release(row);
            return view;
        }
    }

    public Backend backend() {
        return backend;
    }

    public DType dtype() {
        return dtype;
    }

    /** Whether the backend computes in mixed precision. */
    boolean mixed() {
        return mixed;
    }

    /** The relative rounding error of one operation. */
    public double epsilon() {
        return switch (dtype) {
            case FLOAT64 -> Math.ulp(1.0);
            case BFLOAT16 -> 1.0 / 128;
            default -> Math.ulp(1f);
        };
    }

    /** As {@link #epsilon}, of matrix products' operands. */
    double matmulEpsilon() {
        return matmulEpsilon;
    }

    /** As {@link #epsilon}, of the type that this one is computed in. */
    double accumulatedEpsilon() {
        return dtype() == DType.BFLOAT16 ? Math.ulp(1f) : epsilon();
    }

    /** Random numbers in -1..1 that the backend's type holds exactly. */
    HostArray random(Shape shape, long seed) {
        return HostArray.random(shape, seed).roundedTo(dtype());
    }

    Input numbers(HostArray values) {
        return new Input(values, dtype());
    }

    static Input ids(HostArray values) {
        return new Input(values, DType.INT32);
    }

    /**
     * Bounds for results that are exact up to a few roundings of themselves. Numbers of bfloat16 are computed in float32 and
     * rounded once, or twice where two steps lie between.
     */
    HostArray fewRoundings(HostArray expected) {
        double roundings = dtype() == DType.BFLOAT16 ? 2 * BFLOAT16_ROUNDING : 8 * epsilon();
        return expected.map(v -> Double.isFinite(v) ? roundings * Math.abs(v) : 0);
    }

    /**
     * The bound of a sum's error, relative to the sum of absolute values. Rounding errors of n additions are independent
     * enough to add up as √n; every sum is kept in at least float32, so that bfloat16 adds no more than the rounding of the
     * result, and of one between two runs of axes.
     */
    double sumRoundings(long terms) {
        double narrow = dtype() == DType.BFLOAT16 ? 2 * BFLOAT16_ROUNDING : 0;
        return narrow + accumulatedEpsilon() * (4 + Math.sqrt(terms));
    }

    /** As {@link #sumRoundings}, of the sums of products in a matrix product, whose operands may be rounded first. */
    double productRoundings(long terms) {
        double operands = dtype() == DType.BFLOAT16 ? 0 : 2 * matmulEpsilon();
        return operands + sumRoundings(terms);
    }

    /**
     * Bounds for sums of many terms.
     *
     * @param magnitudes the same sums over absolute values
     */
    HostArray sumOf(HostArray magnitudes, long terms) {
        double roundings = sumRoundings(terms);
        return magnitudes.map(m -> roundings * m);
    }

    /** Bounds of zero: rearranging must not change a bit. */
    static HostArray exact(HostArray expected) {
        return HostArray.filled(expected.shape(), 0);
    }

    /** Checks an operation whose result has memory of its own. */
    void check(String what, HostArray expected, HostArray tolerance, Operation operation, Input... inputs) {
        run(what, expected, tolerance, operation, false, inputs);
    }

    /** Checks an operation whose result may share memory with an input. */
    void checkView(String what, HostArray expected, HostArray tolerance, Operation operation, Input... inputs) {
        run(what, expected, tolerance, operation, true, inputs);
    }

    private void run(
            String what,
            HostArray expected,
            HostArray tolerance,
            Operation operation,
            boolean mayShare,
            Input... inputs) {
        runAndCompare(what, expected, tolerance, operation, mayShare, false, inputs);
        // the second run leaves nothing: what a backend keeps for itself it has by now
        long before = backend.memory().liveBytes();
        runAndCompare(what + " of views", expected, tolerance, operation, mayShare, true, inputs);
        long left = backend.memory().liveBytes() - before;
        if (left != 0) {
            throw new AssertionError(what + " leaves " + left + " bytes behind");
        }
    }

    private void runAndCompare(
            String what,
            HostArray expected,
            HostArray tolerance,
            Operation operation,
            boolean mayShare,
            boolean asViews,
            Input... inputs) {
        List<Array> arrays = new ArrayList<>();
        for (Input input : inputs) {
            arrays.add(asViews ? input.uploadAsView(backend) : input.upload(backend));
        }
        poison(expected.shape().size(), inputs);
        Array result = operation.apply(backend, arrays);
        if (result.dtype() != dtype()) {
            throw new AssertionError(what + ": " + result.dtype() + " where " + dtype() + " is expected");
        }
        TensorAssert.assertClose(what, download(result), expected, tolerance);
        if (!mayShare) {
            Array nan = backend.memory().full(result.shape(), dtype(), Double.NaN);
            backend.memory().copyInto(result, nan);
            backend.memory().release(nan);
        }
        for (int i = 0; i < inputs.length; i++) {
            HostArray sent = inputs[i].values();
            TensorAssert.assertClose(what + ", input " + i + " afterwards", download(arrays.get(i)), sent, exact(sent));
        }
        backend.memory().release(result);
        arrays.forEach(backend.memory()::release);
    }

    HostArray download(Array array) {
        return HostArray.of(backend.memory().download(array));
    }

    /**
     * Fills what a pool would hand out next for results and temporaries with NaN: blocks of the sizes at hand, and in mixed
     * precision, where kernels make arrays of types and sizes of their own, of both types and of many sizes.
     */
    void poison(long resultSize, Input... inputs) {
        TreeSet<Long> sizes = new TreeSet<>(List.of(resultSize));
        for (Input input : inputs) {
            sizes.add(input.values().shape().size());
        }
        EnumSet<DType> types = EnumSet.of(dtype());
        if (mixed) {
            types.add(DType.FLOAT32);
            types.add(DType.BFLOAT16);
            for (int power = LEAST_POWER; power <= MOST_POWER; power++) {
                sizes.add(1L << power);
            }
        }
        List<Array> poisoned = new ArrayList<>();
        for (long size : sizes) {
            for (DType type : types) {
                for (int i = 0; i < POISONED_BLOCKS; i++) {
                    poisoned.add(backend.memory().full(Shape.of(size), type, Double.NaN));
                }
            }
        }
        poisoned.forEach(backend.memory()::release);
    }
}
