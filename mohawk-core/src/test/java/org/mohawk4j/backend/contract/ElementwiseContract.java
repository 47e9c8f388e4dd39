package org.mohawk4j.backend.contract;

import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.HostOps;

/** Element by element. */
interface ElementwiseContract extends ContractTests {
    private static DoubleUnaryOperator meaning(UnaryOp op) {
        return switch (op) {
            case NEGATE -> x -> -x;
            case EXP -> Math::exp;
            case LOG -> Math::log;
            case SQRT -> Math::sqrt;
            case SIGMOID -> x -> x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
            case SOFTPLUS -> x -> Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
            case TANH -> Math::tanh;
            case RELU -> x -> Math.max(x, 0);
            case STEP -> x -> x > 0 ? 1 : 0;
        };
    }

    private static DoubleBinaryOperator meaning(BinaryOp op) {
        return switch (op) {
            case ADD -> (a, b) -> a + b;
            case SUBTRACT -> (a, b) -> a - b;
            case MULTIPLY -> (a, b) -> a * b;
            case DIVIDE -> (a, b) -> a / b;
            case EQUAL -> (a, b) -> a == b ? 1 : 0;
        };
    }

    @TestFactory
    default Stream<DynamicNode> unaryOfEveryShape() {
        return onEachType(probe -> {
            for (UnaryOp op : UnaryOp.values()) {
                for (Shape shape : SHAPES) {
                    HostArray x = probe.random(shape, 1)
                            .map(v -> op == UnaryOp.LOG || op == UnaryOp.SQRT ? Math.abs(v) + 0.125 : 4 * v)
                            .roundedTo(probe.dtype());
                    checkUnary(probe, op, x);
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> unaryAtItsLimits() {
        return onEachType(probe -> {
            for (UnaryOp op : UnaryOp.values()) {
                HostArray x = HostArray.of(
                                Shape.of(21),
                                0,
                                1e-8,
                                -1e-8,
                                1e-4,
                                -1e-4,
                                1,
                                -1,
                                10,
                                -10,
                                17,
                                -17,
                                30,
                                -30,
                                80,
                                -80,
                                1000,
                                -1000,
                                1e30,
                                -1e30,
                                Double.POSITIVE_INFINITY,
                                Double.NEGATIVE_INFINITY)
                        .roundedTo(probe.dtype());
                checkUnary(probe, op, x);
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> unaryOfNanIsNan() {
        return onEachType(probe -> {
            for (UnaryOp op : UnaryOp.values()) {
                if (op != UnaryOp.STEP) {
                    checkUnary(probe, op, HostArray.of(Shape.of(3), Double.NaN, 1, Double.NaN));
                }
            }
        });
    }

    private static void checkUnary(BackendProbe probe, UnaryOp op, HostArray x) {
        HostArray expected = x.map(meaning(op)).roundedTo(probe.dtype());
        // what exp would lose by rounding its argument
        HostArray tolerance = HostOps.binary(
                probe.fewRoundings(expected),
                x,
                (t, v) -> op == UnaryOp.EXP && Math.abs(v) < 100 ? t * Math.max(1, Math.abs(v)) : t);
        // of tanh only the distance from -1..1 matters
        double smallest = probe.epsilon() * (op == UnaryOp.TANH ? 1 : 1e-6);
        probe.check(
                op + " of " + x.shape(),
                expected,
                tolerance.map(t -> t + smallest),
                (backend, in) -> backend.elementwise().unary(op, in.get(0)),
                probe.numbers(x));
    }

    @TestFactory
    default Stream<DynamicNode> binaryOfEqualShapes() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                checkBinary(probe, shape, shape);
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> binaryBroadcastsEitherSide() {
        return onEachType(probe -> {
            long[][][] pairs = {
                {{}, {13}},
                {{}, {63, 65}},
                {{}, {2, 3, 5}},
                {{1}, {13}},
                {{1}, {}},
                {{1, 1}, {}},
                {{1}, {63, 65}},
                {{65}, {63, 65}},
                {{13}, {2, 3, 13}},
                {{13}, {2, 3, 5, 13}},
                {{13}, {1, 13}},
                {{13}, {13, 1}},
                {{1, 65}, {63, 65}},
                {{63, 1}, {63, 65}},
                {{63, 1}, {1, 65}},
                {{63, 1}, {65}},
                {{5, 1}, {2, 3, 5, 13}},
                {{3, 1, 1}, {2, 3, 5, 13}},
                {{2, 1, 1, 1}, {2, 3, 5, 13}},
                {{2, 3, 1, 1}, {2, 3, 5, 13}},
                {{2, 3, 5, 1}, {2, 3, 5, 13}},
                {{2, 1, 5, 13}, {2, 3, 5, 13}},
                {{1, 3, 1, 13}, {2, 3, 5, 13}},
                {{1, 3, 1, 13}, {2, 1, 5, 1}},
                {{2, 3, 5, 1}, {2, 3, 1, 5}},
                {{2, 3, 1, 13, 5}, {3, 4, 1, 5}},
                {{13, 1, 5}, {207, 1}},
                {{1, 1, 1}, {2048}},
            };
            for (long[][] pair : pairs) {
                checkBinary(probe, Shape.of(pair[0]), Shape.of(pair[1]));
                checkBinary(probe, Shape.of(pair[1]), Shape.of(pair[0]));
            }
        });
    }

    private static void checkBinary(BackendProbe probe, Shape left, Shape right) {
        for (BinaryOp op : BinaryOp.values()) {
            DoubleUnaryOperator prepare =
                    op == BinaryOp.EQUAL ? v -> Math.rint(2 * v) : v -> v + Math.copySign(0.25, v);
            HostArray a = probe.random(left, 2).map(prepare).roundedTo(probe.dtype());
            HostArray b = probe.random(right, 3).map(prepare).roundedTo(probe.dtype());
            HostArray expected = HostOps.binary(a, b, meaning(op));
            probe.check(
                    op + " of " + left + " and " + right,
                    expected,
                    probe.fewRoundings(expected),
                    (backend, in) -> backend.elementwise().binary(op, in.get(0), in.get(1)),
                    probe.numbers(a),
                    probe.numbers(b));
        }
    }

    @TestFactory
    default Stream<DynamicNode> binaryOfAnArrayWithItself() {
        return onEachType(probe -> {
            HostArray x = probe.random(Shape.of(5, 13), 4);
            HostArray expected = x.map(v -> v * v);
            probe.check(
                    "x * x",
                    expected,
                    probe.fewRoundings(expected),
                    (backend, in) -> backend.elementwise().binary(BinaryOp.MULTIPLY, in.get(0), in.get(0)),
                    probe.numbers(x));
        });
    }

    @TestFactory
    default Stream<DynamicNode> equalOfNanIsFalse() {
        return onEachType(probe -> {
            HostArray x = HostArray.of(Shape.of(3), Double.NaN, 1, 0);
            HostArray expected = HostArray.of(Shape.of(3), 0, 1, 1);
            probe.check(
                    "EQUAL",
                    expected,
                    BackendProbe.exact(expected),
                    (backend, in) -> backend.elementwise().binary(BinaryOp.EQUAL, in.get(0), in.get(0)),
                    probe.numbers(x));
        });
    }

    @TestFactory
    default Stream<DynamicNode> affine() {
        return onEachType(probe -> {
            double[][] factors = {{1, 0}, {0, 0}, {0, 2.5}, {1, -0.75}, {-1, 0}, {-1, 1}, {0.3, 0}, {0.3, 7}};
            for (Shape shape : SHAPES) {
                for (double[] f : factors) {
                    HostArray x = probe.random(shape, 5);
                    HostArray expected = x.map(v -> f[0] * v + f[1]);
                    HostArray bound = x.map(v -> Math.abs(f[0] * v) + Math.abs(f[1]));
                    probe.check(
                            f[0] + " x + " + f[1] + " of " + shape,
                            expected,
                            probe.fewRoundings(bound),
                            (backend, in) -> backend.elementwise().affine(in.get(0), f[0], f[1]),
                            probe.numbers(x));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> affineKeepsNan() {
        return onEachType(probe -> {
            HostArray x = HostArray.of(Shape.of(3), Double.NaN, 1, Double.NaN);
            for (double scale : new double[] {0, 1, 2}) {
                HostArray expected = x.map(v -> scale * v + 1);
                probe.check(
                        scale + " x + 1",
                        expected,
                        BackendProbe.exact(expected),
                        (backend, in) -> backend.elementwise().affine(in.get(0), scale, 1),
                        probe.numbers(x));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> accumulate() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                for (double scale : new double[] {1, -1, 0.3, 0}) {
                    HostArray target = probe.random(shape, 6);
                    HostArray x = probe.random(shape, 7);
                    HostArray expected = HostOps.binary(target, x, (t, v) -> t + scale * v);
                    HostArray bound = HostOps.binary(target, x, (t, v) -> Math.abs(t) + Math.abs(scale * v));
                    probe.check(
                            "accumulate " + scale + " x of " + shape,
                            expected,
                            probe.fewRoundings(bound),
                            (backend, in) -> {
                                var sum = backend.memory().cast(in.get(0), probe.dtype());
                                backend.elementwise().accumulate(sum, in.get(1), scale);
                                return sum;
                            },
                            probe.numbers(target),
                            probe.numbers(x));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> accumulateOfAnArrayIntoItself() {
        return onEachType(probe -> {
            for (double scale : new double[] {1, -0.1}) {
                HostArray x = probe.random(Shape.of(5, 13), 8);
                HostArray expected = x.map(v -> v + scale * v);
                probe.check(
                        "x += " + scale + " x",
                        expected,
                        probe.fewRoundings(expected),
                        (backend, in) -> {
                            var sum = backend.memory().cast(in.get(0), probe.dtype());
                            backend.elementwise().accumulate(sum, sum, scale);
                            return sum;
                        },
                        probe.numbers(x));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> theWiderTypeWins() {
        return onEachType(probe -> {
            if (probe.dtype() == DType.FLOAT64) {
                for (Shape right : List.of(Shape.of(5, 13), Shape.of(13), Shape.of())) {
                    checkMixed(probe, probe.random(Shape.of(5, 13), 8), probe.random(right, 9));
                }
            }
        });
    }

    private static void checkMixed(BackendProbe probe, HostArray wide, HostArray exact) {
        HostArray narrow = exact.roundedTo(DType.FLOAT32);
        for (BinaryOp op : List.of(BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MULTIPLY, BinaryOp.DIVIDE)) {
            HostArray expected = HostOps.binary(wide, narrow, meaning(op));
            HostArray swapped = HostOps.binary(narrow, wide, meaning(op));
            BackendProbe.Input narrowInput = new BackendProbe.Input(narrow, DType.FLOAT32);
            probe.check(
                    op + " of FLOAT64 and FLOAT32",
                    expected,
                    probe.fewRoundings(expected),
                    (backend, in) -> backend.elementwise().binary(op, in.get(0), in.get(1)),
                    probe.numbers(wide),
                    narrowInput);
            probe.check(
                    op + " of FLOAT32 and FLOAT64",
                    swapped,
                    probe.fewRoundings(swapped),
                    (backend, in) -> backend.elementwise().binary(op, in.get(1), in.get(0)),
                    probe.numbers(wide),
                    narrowInput);
        }
    }

    @TestFactory
    default Stream<DynamicNode> tril() {
        return onEachType(probe -> {
            long[][] shapes = {
                {1, 1}, {1, 13}, {13, 1}, {13, 13}, {63, 65}, {65, 63}, {3, 13, 13}, {2, 3, 5, 13}, {2, 1, 1, 13}
            };
            for (long[] dims : shapes) {
                for (long diagonal : new long[] {0, -1, 1, -3, 12, 70, -70}) {
                    for (double fill : new double[] {0, -1e30, 2.5}) {
                        checkLowerTriangle(probe, probe.random(Shape.of(dims), 10), diagonal, fill);
                    }
                }
            }
        });
    }

    private static void checkLowerTriangle(BackendProbe probe, HostArray x, long diagonal, double fill) {
        HostArray expected = HostOps.tril(x, diagonal, fill).roundedTo(probe.dtype());
        probe.check(
                "tril " + diagonal + " filled with " + fill + " of " + x.shape(),
                expected,
                BackendProbe.exact(expected),
                (backend, in) -> backend.elementwise().tril(in.get(0), diagonal, fill),
                probe.numbers(x));
    }
}
