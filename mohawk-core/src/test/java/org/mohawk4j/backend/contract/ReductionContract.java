package org.mohawk4j.backend.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.HostOps;

/** Sums, maxima and what runs along an axis. */
interface ReductionContract extends ContractTests {
    @TestFactory
    default Stream<DynamicNode> sumOverEverySetOfAxes() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                for (int[] axes : subsets(shape.rank())) {
                    checkSum(probe, probe.random(shape, 1), axes);
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> sumOfEveryLength() {
        return onEachType(probe -> {
            for (long length : SIZES) {
                checkSum(probe, probe.random(Shape.of(5, length), 2), 1);
                checkSum(probe, probe.random(Shape.of(length, 5), 2), 0);
                checkSum(probe, probe.random(Shape.of(3, length, 5), 2), 1);
                checkSum(probe, probe.random(Shape.of(3, length, 1), 2), 1);
                checkSum(probe, probe.random(Shape.of(length, 207), 2), 0, 1);
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> sumOfNanIsNanOnlyWhereItIs() {
        return onEachType(probe -> {
            HostArray x =
                    HostArray.byIndex(Shape.of(3, 4, 5), i -> i[0] == 1 && i[1] == 2 && i[2] == 3 ? Double.NaN : 1);
            for (int[] axes : subsets(3)) {
                checkSum(probe, x, axes);
            }
        });
    }

    private static void checkSum(BackendProbe probe, HostArray x, int... axes) {
        HostArray expected = HostOps.sum(x, axes);
        long terms = x.shape().size() / expected.shape().size();
        HostArray magnitudes = HostOps.sum(x.map(Math::abs), axes).map(m -> Double.isNaN(m) ? 0 : m);
        probe.check(
                "sum over " + Arrays.toString(axes) + " of " + x.shape(),
                expected,
                axes.length == 0 ? BackendProbe.exact(expected) : probe.sumOf(magnitudes, terms),
                (backend, in) -> backend.reductions().sum(in.get(0), axes),
                probe.numbers(x));
    }

    @TestFactory
    default Stream<DynamicNode> maxAlongEveryAxis() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                for (int axis = 0; axis < shape.rank(); axis++) {
                    checkMax(probe, probe.random(shape, 3), axis);
                    checkMax(probe, probe.random(shape, 4).map(v -> v - 2).roundedTo(probe.dtype()), axis);
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> maxAtItsLimits() {
        return onEachType(probe -> {
            double infinity = Double.POSITIVE_INFINITY;
            checkMax(
                    probe,
                    HostArray.of(Shape.of(2, 3), -1e30, -1e30, -1e30, -infinity, -infinity, -infinity)
                            .roundedTo(probe.dtype()),
                    1);
            checkMax(probe, HostArray.of(Shape.of(2, 3), 1, infinity, 2, -infinity, 0, -1), 1);
        });
    }

    @TestFactory
    default Stream<DynamicNode> nanWinsMax() {
        return onEachType(probe -> {
            for (long length : SIZES) {
                for (long place = 0; place < length; place += Math.max(1, length / 5)) {
                    long at = place;
                    HostArray x = HostArray.byIndex(
                                    Shape.of(2, length), i -> i[0] == 1 && i[1] == at ? Double.NaN : i[1])
                            .roundedTo(probe.dtype());
                    checkMax(probe, x, 1);
                    checkMax(probe, HostOps.permute(x, 1, 0), 0);
                }
            }
        });
    }

    private static void checkMax(BackendProbe probe, HostArray x, int axis) {
        HostArray expected = HostOps.max(x, axis);
        probe.check(
                "max along " + axis + " of " + x.shape(),
                expected,
                BackendProbe.exact(expected),
                (backend, in) -> backend.reductions().max(in.get(0), axis),
                probe.numbers(x));
    }

    @TestFactory
    default Stream<DynamicNode> cumulativeSumAlongEveryAxis() {
        return onEachType(probe -> {
            List<Shape> shapes = new ArrayList<>(SHAPES);
            SIZES.forEach(length -> shapes.add(Shape.of(2, length, 3)));
            for (Shape shape : shapes) {
                for (int axis = 0; axis < shape.rank(); axis++) {
                    for (boolean reverse : new boolean[] {false, true}) {
                        int along = axis;
                        HostArray x = probe.random(shape, 5);
                        HostArray magnitudes = HostOps.cumsum(x.map(Math::abs), along, reverse);
                        probe.check(
                                "cumsum along " + along + (reverse ? " reversed" : "") + " of " + shape,
                                HostOps.cumsum(x, along, reverse),
                                probe.sumOf(magnitudes, shape.dim(along)),
                                (backend, in) -> backend.reductions().cumsum(in.get(0), along, reverse),
                                probe.numbers(x));
                    }
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> softmax() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                if (shape.rank() > 0) {
                    checkSoftmax(probe, probe.random(shape, 6).map(v -> 10 * v).roundedTo(probe.dtype()));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> softmaxOfMaskedAndHugeNumbers() {
        return onEachType(probe -> {
            for (long time : SIZES) {
                long rows = Math.min(time, 65);
                HostArray masked = HostOps.tril(probe.random(Shape.of(2, rows, time), 7), time - rows, -1e30);
                checkSoftmax(probe, masked.roundedTo(probe.dtype()));
            }
            for (double equal : new double[] {-0.5, -100, -1e4, -1e30, 1e4}) {
                checkSoftmax(probe, HostArray.filled(Shape.of(13, 65), equal).roundedTo(probe.dtype()));
            }
            checkSoftmax(
                    probe,
                    HostArray.of(Shape.of(2, 3), 1000, 999, -1000, -1e4, -1e4, -1e4)
                            .roundedTo(probe.dtype()));
            checkSoftmax(probe, HostArray.filled(Shape.of(2, 13), -1e30).roundedTo(probe.dtype()));
            checkSoftmax(probe, HostArray.of(Shape.of(3), Double.NEGATIVE_INFINITY, 1, 2));
        });
    }

    @TestFactory
    default Stream<DynamicNode> softmaxOfNanIsNanInItsRowAlone() {
        return onEachType(probe -> checkSoftmax(
                probe, HostArray.byIndex(Shape.of(3, 13), i -> i[0] == 1 && i[1] == 5 ? Double.NaN : i[1])));
    }

    private static void checkSoftmax(BackendProbe probe, HostArray x) {
        HostArray expected = HostOps.softmax(x);
        double largest = 0;
        for (double v : x.values()) {
            largest = Math.abs(v) < 1e20 ? Math.max(largest, Math.abs(v)) : largest;
        }
        // the exponent is rounded relative to its size, which the exponential makes an error of its own
        double roundings = probe.sumRoundings(x.shape().dim(-1)) + (2 * largest + 8) * probe.accumulatedEpsilon();
        probe.check(
                "softmax of " + x.shape(),
                expected,
                expected.map(v -> Double.isNaN(v) ? 0 : roundings * v + 1e-30),
                (backend, in) -> backend.reductions().softmax(in.get(0)),
                probe.numbers(x));
    }

    private static List<int[]> subsets(int rank) {
        List<int[]> all = new ArrayList<>();
        for (int bits = 0; bits < 1 << rank; bits++) {
            int chosen = bits;
            all.add(java.util.stream.IntStream.range(0, rank)
                    .filter(axis -> (chosen >> axis & 1) == 1)
                    .toArray());
        }
        return all;
    }
}
