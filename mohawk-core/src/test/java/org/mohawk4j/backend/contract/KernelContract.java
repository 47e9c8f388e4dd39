package org.mohawk4j.backend.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.FrobeniusDistance.FusedFrobenius;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.DiscreteMamba2.FusedStep;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.ArgMaxFunction;
import org.mohawk4j.op.ArgMaxFunction.FusedArgMax;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.op.CausalConv1dFunction;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.op.CausalConv1dFunction.FusedSplitConv1d;
import org.mohawk4j.op.GateFunction;
import org.mohawk4j.op.GateFunction.FusedGate;
import org.mohawk4j.op.LagSumsFunction;
import org.mohawk4j.op.LagSumsFunction.FusedLagSums;
import org.mohawk4j.op.LayerNormFunction;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.Mamba2Function;
import org.mohawk4j.op.Mamba2Function.FusedMamba2;
import org.mohawk4j.op.MlpFunction;
import org.mohawk4j.op.MlpFunction.FusedMlp;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.NormedLinearsFunction.Norm;
import org.mohawk4j.op.ResidualFunction;
import org.mohawk4j.op.ResidualFunction.FusedResidual;
import org.mohawk4j.op.ResidualNormFunction;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.op.RotaryFunction.FusedRotary;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.op.SemiseparableFunction.Result;
import org.mohawk4j.op.SkipFunction;
import org.mohawk4j.op.SkipFunction.FusedSkip;
import org.mohawk4j.op.SummedLinearsFunction;
import org.mohawk4j.op.SummedLinearsFunction.FusedSummedLinears;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.op.loss.DistanceFunction.FusedRelativeDistance;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.op.loss.TopKDistillationFunction;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** Fused kernels against their plain compositions, forward and by every input. Those a backend lacks are skipped. */
interface KernelContract extends ContractTests {
    private static HostArray numbers(long seed, long... shape) {
        return HostArray.random(Shape.of(shape), seed);
    }

    private static Tensor argMaxInto(Tensor x) {
        int rows = Math.toIntExact(x.dim(0));
        Tensor target = x.engine().indices(new int[rows], rows, 1);
        ArgMaxFunction.into(target, x);
        return target.reshape(rows);
    }

    @TestFactory
    default Stream<DynamicNode> linear() {
        return ifPresent(FusedLinear.class, probe -> {
            long[][] sizes = {
                {1, 1, 1}, {1, 63, 13}, {13, 1, 65}, {5, 65, 1}, {207, 63, 65}, {1, 2048, 13}, {3, 72, 65}, {65, 64, 72}
            };
            for (long[] s : sizes) {
                for (Activation activation : Activation.values()) {
                    probe.check(
                            "linear, " + activation,
                            x -> LinearFunction.apply(
                                    probe.activation(x.get(0)), x.get(1), Optional.of(x.get(2)), activation),
                            numbers(1, s[0], s[1]).map(v -> 3 * v),
                            numbers(2, s[2], s[1]),
                            numbers(3, s[2]));
                    probe.check(
                            "linear without bias, " + activation,
                            x -> LinearFunction.apply(
                                    probe.activation(x.get(0)), x.get(1), Optional.empty(), activation),
                            numbers(1, 1, s[0], s[1]).map(v -> 3 * v),
                            numbers(2, s[2], s[1]));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> mlp() {
        return ifPresent(FusedMlp.class, probe -> {
            // R, D, E, F
            for (long[] s : new long[][] {{1, 8, 8, 8}, {13, 64, 72, 40}, {207, 63, 65, 8}, {300, 128, 512, 128}}) {
                for (Activation activation : Activation.values()) {
                    probe.check(
                            "MLP, " + activation,
                            x -> MlpFunction.apply(
                                    probe.activation(x.get(0)),
                                    new MlpFunction.Weights(x.get(1), x.get(2), x.get(3), x.get(4)),
                                    activation),
                            numbers(1, s[0], s[1]),
                            numbers(2, s[2], s[1]),
                            // away from 0, where rounding may choose the other side of relu's kink
                            numbers(3, s[2]).map(v -> activation == Activation.RELU ? Math.copySign(40, v) : v),
                            numbers(4, s[3], s[2]),
                            numbers(5, s[3]));
                }
            }
        });
    }

    /** As in generation, with weights as a model keeps them that is not trained. */
    @TestFactory
    default Stream<DynamicNode> linearOfFewRows() {
        return ifPresent(FusedLinear.class, probe -> {
            for (long[] s : new long[][] {{1, 8, 1}, {1, 2056, 207}, {3, 64, 65}, {4, 2048, 13}, {5, 64, 13}}) {
                for (Activation activation : Activation.values()) {
                    probe.checkUntracked(
                            "linear of few rows, " + activation,
                            x -> LinearFunction.apply(
                                    probe.activation(x.get(0)),
                                    probe.narrowed(x.get(1)),
                                    Optional.of(x.get(2)),
                                    activation),
                            numbers(1, s[0], s[1]).map(v -> 3 * v),
                            numbers(2, s[2], s[1]),
                            numbers(3, s[2]));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> linearOfPartOfItsWeight() {
        return ifPresent(
                FusedLinear.class,
                probe -> probe.check(
                        "rows of linear",
                        x -> LinearFunction.apply(
                                probe.activation(x.get(0)),
                                x.get(1).narrow(0, 3, 13),
                                Optional.of(x.get(2).narrow(0, 3, 13)),
                                Activation.SILU),
                        numbers(1, 2, 7, 63),
                        numbers(2, 65, 63),
                        numbers(3, 65)));
    }

    @TestFactory
    default Stream<DynamicNode> normedLinears() {
        return ifPresent(FusedNormedLinears.class, probe -> {
            // R, D, then E of each map
            long[][] sizes = {
                {1, 8, 1}, {1, 64, 13, 207, 1, 65}, {2, 2048, 700, 63}, {3, 2056, 130}, {4, 4104, 13, 1}, {5, 64, 13}
            };
            for (long[] s : sizes) {
                for (Activation activation : Activation.values()) {
                    HostArray[] inputs = new HostArray[2 * s.length - 1];
                    inputs[0] = numbers(1, s[0], s[1]).map(v -> 3 * v + 1);
                    inputs[1] = numbers(2, s[1]);
                    inputs[2] = numbers(3, s[1]);
                    for (int i = 2; i < s.length; i++) {
                        inputs[2 * i - 1] = numbers(4 + i, s[i], s[1]);
                        inputs[2 * i] = numbers(14 + i, s[i]);
                    }
                    probe.checkUntracked(
                            "normed linear maps, " + activation, x -> normed(probe, x, activation), inputs);
                }
            }
        });
    }

    /** x, weight and bias of the norm, weight and bias of each map, of which the first has an activation and no bias. */
    private static Tensor normed(KernelProbe probe, List<Tensor> x, Activation activation) {
        List<LinearMap> maps = new ArrayList<>();
        for (int i = 3; i < x.size(); i += 2) {
            maps.add(new LinearMap(
                    probe.narrowed(x.get(i)),
                    i == 3 ? Optional.empty() : Optional.of(x.get(i + 1)),
                    i == 3 ? activation : Activation.NONE));
        }
        Norm norm = new Norm(x.get(1), x.get(2), 1e-5);
        DType result = probe.isNarrow()
                ? x.get(0).engine().backend().productType()
                : x.get(0).engine().parameterType();
        List<Tensor> results = NormedLinearsFunction.apply(x.get(0), norm, maps, result);
        return Tensor.concat(
                -1, results.stream().map(y -> y.cast(x.get(0).dtype())).toList());
    }

    @TestFactory
    default Stream<DynamicNode> summedLinears() {
        return ifPresent(FusedSummedLinears.class, probe -> {
            // R, D, then F of each term
            long[][] sizes = {
                {1, 1, 8}, {1, 207, 64, 2056}, {2, 130, 2048, 8192}, {3, 13, 8, 72, 4104}, {4, 65, 64, 64}, {5, 13, 64}
            };
            for (long[] s : sizes) {
                HostArray[] inputs = new HostArray[3 * s.length - 5];
                inputs[0] = numbers(1, s[0], s[1]);
                for (int i = 2; i < s.length; i++) {
                    inputs[3 * i - 5] = numbers(10 + i, s[0], s[i]);
                    inputs[3 * i - 4] = numbers(20 + i, s[1], s[i]);
                    inputs[3 * i - 3] = numbers(30 + i, s[1]);
                }
                probe.checkUntracked("summed linear maps", x -> summed(probe, x), inputs);
            }
        });
    }

    /** h, then x, weight and bias of each term, of which the first has no bias. */
    private static Tensor summed(KernelProbe probe, List<Tensor> x) {
        List<Term> terms = new ArrayList<>();
        for (int i = 1; i < x.size(); i += 3) {
            terms.add(new Term(
                    probe.narrowed(x.get(i)),
                    new LinearMap(
                            probe.narrowed(x.get(i + 1)),
                            i == 1 ? Optional.empty() : Optional.of(x.get(i + 2)),
                            Activation.NONE)));
        }
        return SummedLinearsFunction.apply(x.get(0), terms);
    }

    @TestFactory
    default Stream<DynamicNode> layerNorm() {
        return ifPresent(FusedLayerNorm.class, probe -> {
            for (long[] s : new long[][] {{1, 13}, {13, 63}, {2, 5, 65}, {207, 207}, {2, 3, 2048}}) {
                long width = s[s.length - 1];
                probe.check(
                        "layer norm",
                        x -> LayerNormFunction.apply(probe.activation(x.get(0)), x.get(1), x.get(2), 1e-5),
                        numbers(1, s).map(v -> 2 * v + 3),
                        numbers(2, width),
                        numbers(3, width));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> convolution() {
        return ifPresent(FusedCausalConv1d.class, probe -> {
            long[][] sizes = {
                {1, 1, 1, 2},
                {1, 1, 13, 4},
                {2, 2, 63, 4},
                {2, 13, 63, 4},
                {3, 65, 5, 2},
                {1, 207, 1, 3},
                {2, 63, 65, 1}
            };
            for (long[] s : sizes) {
                probe.check(
                        "convolution",
                        x -> CausalConv1dFunction.apply(probe.activation(x.get(0)), x.get(1), x.get(2)),
                        numbers(1, s[0], s[1], s[2]),
                        numbers(2, s[2], 1, s[3]),
                        numbers(3, s[2]));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> convolutionInParts() {
        return ifPresent(FusedSplitConv1d.class, probe -> {
            // B, T, K, the parts
            long[][] sizes = {{1, 1, 2, 1, 1}, {2, 13, 4, 8, 4, 4}, {2, 65, 4, 5, 3, 7}, {3, 70, 3, 64, 64}};
            for (long[] s : sizes) {
                long[] parts = Arrays.copyOfRange(s, 3, s.length);
                long channels = Arrays.stream(parts).sum();
                probe.check(
                        "convolution in parts " + Arrays.toString(parts),
                        x -> Tensor.concat(
                                2,
                                CausalConv1dFunction.applyParts(probe.activation(x.get(0)), x.get(1), x.get(2), parts)),
                        numbers(1, s[0], s[1], channels),
                        numbers(2, channels, 1, s[2]),
                        numbers(3, channels));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> residual() {
        return ifPresent(FusedResidual.class, probe -> {
            for (long[] s : new long[][] {{1, 1}, {13, 63}, {2, 5, 64}}) {
                probe.check(
                        "residual sum",
                        x -> ResidualFunction.apply(x.get(0), probe.activation(x.get(1)), probe.activation(x.get(2))),
                        numbers(1, s),
                        numbers(2, s),
                        numbers(3, s));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> residualNorm() {
        return ifPresent(FusedResidualNorm.class, probe -> {
            for (long[] s : new long[][] {{1, 13}, {13, 63}, {70, 65}, {2, 5, 64}, {65, 2048}, {2, 8200}}) {
                long width = s[s.length - 1];
                HostArray[] inputs = {
                    numbers(1, s).map(v -> 2 * v + 3),
                    numbers(2, s),
                    numbers(3, s),
                    numbers(4, width),
                    numbers(5, width)
                };
                probe.check(
                        "residual sum and its norm",
                        x -> {
                            Normed both = residualNorm(probe, x);
                            return Tensor.concat(
                                    0,
                                    List.of(
                                            both.sum(),
                                            both.normalized().cast(both.sum().dtype())));
                        },
                        inputs);
                probe.check(
                        "norm of a residual sum", x -> residualNorm(probe, x).normalized(), inputs);
                probe.check(
                        "residual sum with a norm", x -> residualNorm(probe, x).sum(), inputs);
            }
        });
    }

    private static Normed residualNorm(KernelProbe probe, List<Tensor> x) {
        return ResidualNormFunction.apply(
                x.get(0), probe.activation(x.get(1)), probe.activation(x.get(2)), x.get(3), x.get(4), 1e-5);
    }

    @TestFactory
    default Stream<DynamicNode> attention() {
        return ifPresent(FusedAttention.class, probe -> {
            // B, Tq, T, H, G, P
            long[][] sizes = {
                {1, 1, 1, 1, 1, 1},
                {2, 13, 13, 4, 4, 5},
                {1, 1, 63, 4, 2, 16},
                {2, 65, 65, 4, 2, 8},
                {1, 7, 65, 2, 1, 64},
                {1, 70, 133, 2, 2, 8},
                {1, 207, 207, 3, 3, 32},
                {2, 70, 133, 2, 1, 96},
            };
            for (long[] s : sizes) {
                checkAttention(probe, 1, s);
            }
        });
    }

    /** Of heads whose gradient a backend may leave to the composition. */
    @TestFactory
    default Stream<DynamicNode> attentionWithoutGradients() {
        return ifPresent(FusedAttention.class, probe -> {
            for (double cap : new double[] {0, 3}) {
                probe.checkUntracked(
                        "attention of wide heads",
                        x -> AttentionFunction.apply(
                                probe.activation(x.get(0)),
                                probe.activation(x.get(1)),
                                probe.activation(x.get(2)),
                                new AttentionScores(0.1, cap, 65)),
                        numbers(1, 2, 70, 4, 256),
                        numbers(2, 2, 133, 2, 256),
                        numbers(3, 2, 133, 2, 256));
            }
        });
    }

    /** Windows that end within tiles of 64 keys, between them and behind them, and bounds that scores reach. */
    @TestFactory
    default Stream<DynamicNode> attentionWithinAWindowAndBounds() {
        return ifPresent(FusedAttention.class, probe -> {
            // B, Tq, T, H, G, P
            long[][] sizes = {
                {2, 13, 13, 4, 4, 5}, {1, 1, 207, 4, 2, 64}, {1, 70, 333, 2, 1, 32}, {1, 207, 207, 2, 2, 64}
            };
            for (long[] s : sizes) {
                for (long window : new long[] {0, 1, 7, 64, 65, 130, 400}) {
                    for (double cap : new double[] {0, 0.8}) {
                        checkAttention(
                                probe,
                                new AttentionScores(0.4, cap, window),
                                0,
                                numbers(1, s[0], s[1], s[3], s[5]),
                                numbers(2, s[0], s[2], s[4], s[5]),
                                numbers(3, s[0], s[2], s[4], s[5]));
                    }
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> attentionOfHugeScores() {
        return ifPresent(FusedAttention.class, probe -> {
            checkAttention(probe, 60, 2, 13, 13, 4, 4, 5);
            // scores around -3000, all exact in float32; gradients by q and k would be differences of nearly equal
            // terms
            HostArray near1 = HostArray.byIndex(Shape.of(1, 5, 1, 1), i -> 1 + i[1] % 3 / 1024.0);
            HostArray ones = HostArray.filled(near1.shape(), 1);
            checkAttention(probe, -3000, 2, ones, near1, numbers(3, 1, 5, 1, 1));
        });
    }

    private static void checkAttention(KernelProbe probe, double scale, long... s) {
        HostArray q = numbers(1, s[0], s[1], s[3], s[5]);
        checkAttention(probe, scale, 0, q, numbers(2, s[0], s[2], s[4], s[5]), numbers(3, s[0], s[2], s[4], s[5]));
    }

    private static void checkAttention(
            KernelProbe probe, double scale, int frozen, HostArray q, HostArray k, HostArray v) {
        checkAttention(probe, AttentionScores.scaled(scale), frozen, q, k, v);
    }

    private static void checkAttention(
            KernelProbe probe, AttentionScores scores, int frozen, HostArray q, HostArray k, HostArray v) {
        boolean served = probe.fused(FusedAttention.class)
                .supports(q.shape().dim(2), k.shape().dim(2), q.shape().dim(3), scores, true);
        if (probe.isNarrow() && !served) {
            return;
        }
        probe.checkWithTeacher(
                "attention with " + scores,
                x -> AttentionFunction.apply(
                        probe.activation(x.get(0)), probe.activation(x.get(1)), probe.activation(x.get(2)), scores),
                frozen,
                q,
                k,
                v);
    }

    @TestFactory
    default Stream<DynamicNode> semiseparable() {
        return ifPresent(FusedSemiseparable.class, probe -> {
            // B, T, H, G, P, N, Q
            int[][] sizes = {
                {1, 2, 1, 1, 1, 1, 1},
                {2, 13, 4, 2, 5, 3, 8},
                {1, 64, 2, 2, 1, 1, 16},
                {2, 65, 4, 4, 8, 16, 64},
                {2, 207, 4, 1, 8, 13, 64},
                {1, 2048, 2, 2, 4, 4, 128},
                {2, 45, 64, 8, 2, 3, 16},
                {1, 500, 8, 8, 3, 3, 8},
                {2, 207, 4, 2, 16, 32, 64},
                {1, 65, 2, 2, 64, 64, 16},
                {1, 130, 2, 1, 128, 16, 32},
            };
            for (int[] s : sizes) {
                if (probe.isNarrow() && !probe.fused(FusedSemiseparable.class).supports(s[4], s[5])) {
                    continue;
                }
                checkSemiseparable(probe, s);
            }
        });
    }

    private static void checkSemiseparable(KernelProbe probe, int... s) {
        HostArray x = numbers(1, s[0], s[1], s[2], s[4]);
        HostArray b = numbers(2, s[0], s[1], s[3], s[5]);
        HostArray c = numbers(3, s[0], s[1], s[3], s[5]);
        HostArray decay = numbers(4, s[0], s[1], s[2]).map(v -> -0.6 - 0.6 * v);
        HostArray state = numbers(5, s[0], s[2], s[4], s[5]);
        probe.check("semiseparable", in -> both(probe, in, Optional.empty(), s[6]), x, b, c, decay);
        probe.check(
                "semiseparable from a state",
                in -> both(probe, in, Optional.of(in.get(4)), s[6]),
                x,
                b,
                c,
                decay,
                state);
        probe.check(
                "semiseparable, y alone",
                in -> apply(probe, in, Optional.empty(), s[6]).y(),
                x,
                b,
                c,
                decay);
        probe.check(
                "semiseparable, state alone",
                in -> apply(probe, in, Optional.empty(), s[6]).state(),
                x,
                b,
                c,
                decay);
    }

    private static Result apply(KernelProbe probe, List<Tensor> in, Optional<Tensor> state, int chunk) {
        return SemiseparableFunction.apply(
                new Inputs(
                        probe.activation(in.get(0)),
                        probe.activation(in.get(1)),
                        probe.activation(in.get(2)),
                        in.get(3),
                        state),
                chunk);
    }

    private static Tensor both(KernelProbe probe, List<Tensor> in, Optional<Tensor> state, int chunk) {
        Result result = apply(probe, in, state, chunk);
        Tensor y = result.y().cast(result.state().dtype());
        return Tensor.concat(0, List.of(y.reshape(-1), result.state().reshape(-1)));
    }

    @TestFactory
    default Stream<DynamicNode> distance() {
        return ifPresent(FusedDistance.class, probe -> checkDistance(probe, DistanceFunction::apply));
    }

    @TestFactory
    default Stream<DynamicNode> relativeDistance() {
        return ifPresent(FusedRelativeDistance.class, probe -> checkDistance(probe, DistanceFunction::relative));
    }

    private static void checkDistance(KernelProbe probe, BinaryOperator<Tensor> distance) {
        for (long[] s : new long[][] {{1, 1}, {13, 65}, {2, 5, 63}, {207, 2048}}) {
            HostArray teacher = numbers(1, s);
            Function<List<Tensor>, Tensor> loss =
                    x -> distance.apply(probe.activation(x.get(0)), probe.activation(x.get(1)));
            probe.checkWithTeacher("distance", loss, 1, teacher, numbers(2, s));
            probe.checkWithTeacher("distance of zero", loss, 1, teacher, teacher);
        }
    }

    @TestFactory
    default Stream<DynamicNode> distillation() {
        return ifPresent(FusedDistillation.class, probe -> {
            // R, teacher's D, student's D, V
            for (Weights w : List.of(Weights.PLAIN, new Weights(2, 0), new Weights(1, 1), new Weights(0.5, 0.25))) {
                checkDistillation(probe, w, 1, 1, 1, 2);
                checkDistillation(probe, w, 13, 8, 5, 63);
            }
            checkDistillation(probe, new Weights(2, 0.25), 65, 13, 13, 207);
            // more logits than backends under test keep at a time: several chunks, the last one short
            checkDistillation(probe, new Weights(2, 0.25), 300, 16, 8, 2048);
            checkDistillation(probe, Weights.PLAIN, 600, 5, 16, 2048);
            checkDistillation(probe, new Weights(1, 1), 513, 8, 8, 1024);
            // rows that no block's shared memory has room for
            for (int vocabulary : new int[] {128_256, 240_000}) {
                checkDistillation(probe, new Weights(2, 0.25), 3, 2, 2, vocabulary);
            }
        });
    }

    private static void checkDistillation(KernelProbe probe, Weights weights, int... s) {
        HostArray labels = HostArray.randomIndices(Shape.of(s[0]), s[3], 9);
        HostArray[] teacher = {numbers(1, s[0], s[1]), numbers(2, s[3], s[1]).map(v -> 4 * v), numbers(3, s[3])};
        HostArray[] student = {numbers(4, s[0], s[2]), numbers(5, s[3], s[2]).map(v -> 4 * v), numbers(6, s[3])};
        probe.checkWithTeacher(
                "distillation, " + weights,
                x -> DistillationFunction.apply(
                        new LmHead(probe.activation(x.get(0)), x.get(1), Optional.of(x.get(2))),
                        new LmHead(probe.activation(x.get(3)), x.get(4), Optional.of(x.get(5))),
                        Optional.of(probe.ids(x.get(0).engine(), labels)),
                        weights),
                3,
                teacher[0],
                teacher[1],
                teacher[2],
                student[0],
                student[1],
                student[2]);
        probe.checkWithTeacher(
                "distillation without biases, " + weights,
                x -> DistillationFunction.apply(
                        new LmHead(probe.activation(x.get(0)), x.get(1), Optional.empty()),
                        new LmHead(probe.activation(x.get(2)), x.get(3), Optional.empty()),
                        Optional.of(probe.ids(x.get(0).engine(), labels)),
                        weights),
                2,
                teacher[0],
                teacher[1],
                student[0],
                student[1]);
    }

    /** It has no kernel of its own, but is in chunks and has a gradient that is written down. */
    @TestFactory
    default Stream<DynamicNode> distillationOfTheLikeliestTokens() {
        return ifPresent(FusedLinear.class, probe -> {
            for (Weights weights : List.of(Weights.PLAIN, new Weights(2, 0.25))) {
                // R, D, V, K
                for (int[] s : new int[][] {{1, 1, 2, 1}, {13, 5, 64, 64}, {65, 13, 208, 7}}) {
                    HostArray labels = HostArray.randomIndices(Shape.of(s[0]), s[2], 9);
                    TopKLogits teacher = topTokens(s[0], s[2], s[3]);
                    probe.check(
                            "distillation of " + s[3] + " tokens, " + weights,
                            x -> TopKDistillationFunction.apply(
                                    teacher,
                                    new LmHead(probe.activation(x.get(0)), x.get(1), Optional.of(x.get(2))),
                                    Optional.of(probe.ids(x.get(0).engine(), labels)),
                                    weights),
                            numbers(4, s[0], s[1]),
                            numbers(5, s[2], s[1]).map(v -> 4 * v),
                            numbers(6, s[2]));
                }
            }
        });
    }

    /** Every third id from one that is another in each row, V no multiple of 3; the i-th has half of what was left. */
    private static TopKLogits topTokens(int rows, int vocabulary, int k) {
        HostArray ids = HostArray.byIndex(Shape.of(rows, k), i -> (i[0] + 3 * i[1]) % vocabulary);
        HostArray kept = HostArray.byIndex(Shape.of(rows, k), i -> Math.pow(0.5, i[1] + 1));
        HostArray rest = HostArray.filled(Shape.of(rows), k == vocabulary ? 0 : Math.pow(0.5, k));
        return new TopKLogits(
                HostTensors.convert(ids.toHostTensor(), DType.INT32),
                HostTensors.convert(kept.toHostTensor(), DType.FLOAT32),
                HostTensors.convert(rest.toHostTensor(), DType.FLOAT32));
    }

    @TestFactory
    default Stream<DynamicNode> distillationOfHugeLogits() {
        return ifPresent(
                FusedDistillation.class,
                probe -> probe.checkWithTeacher(
                        "distillation of huge logits",
                        x -> DistillationFunction.apply(
                                new LmHead(probe.activation(x.get(0)), x.get(1), Optional.empty()),
                                new LmHead(probe.activation(x.get(2)), x.get(3), Optional.of(x.get(4))),
                                Optional.empty(),
                                Weights.PLAIN),
                        2,
                        numbers(1, 13, 5).map(v -> 300 * v),
                        numbers(2, 65, 5),
                        numbers(3, 13, 7).map(v -> 300 * v),
                        numbers(4, 65, 7),
                        HostArray.filled(Shape.of(65), -5000)));
    }

    @TestFactory
    default Stream<DynamicNode> rotary() {
        return ifPresent(FusedRotary.class, probe -> {
            // B, T, H, P, of which turn, first position
            for (int[] s :
                    new int[][] {{1, 1, 1, 2, 2, 0}, {2, 13, 3, 8, 4, 0}, {1, 65, 2, 64, 32, 7}, {2, 5, 4, 6, 6, 3}}) {
                int half = s[4] / 2;
                HostArray angles = HostArray.byIndex(
                        Shape.of(s[1] + s[5], s[3]), i -> i[1] < s[4] ? i[0] / (1.0 + i[1] % half) : 0);
                HostArray partner = HostArray.byIndex(
                        Shape.of(s[3], s[3]),
                        i -> i[1] < half && i[0] == i[1] + half ? -1 : i[0] < half && i[1] == i[0] + half ? 1 : 0);
                probe.checkWithTeacher(
                        "rotary",
                        x -> RotaryFunction.apply(
                                probe.activation(x.get(3)),
                                new RotaryFunction.Tables(x.get(0), x.get(1), x.get(2), s[4]),
                                s[5]),
                        3,
                        angles.map(Math::cos),
                        angles.map(Math::sin),
                        partner,
                        numbers(1, s[0], s[1], s[2], s[3]));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> gate() {
        return ifPresent(FusedGate.class, probe -> {
            for (long[] s : new long[][] {{1, 1}, {13, 63}, {2, 5, 64}, {207, 65}, {3, 5, 2048}}) {
                probe.check(
                        "gate",
                        x -> GateFunction.apply(probe.activation(x.get(0)), probe.activation(x.get(1)), x.get(2)),
                        numbers(1, s),
                        numbers(2, s).map(v -> 3 * v),
                        numbers(3, s[s.length - 1]));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> skip() {
        return ifPresent(FusedSkip.class, probe -> {
            for (long[] s : new long[][] {{1, 1, 1, 7}, {2, 13, 3, 5}, {1, 207, 4, 64}, {3, 65, 2, 8}}) {
                probe.check(
                        "skip",
                        x -> SkipFunction.apply(probe.activation(x.get(0)), probe.activation(x.get(1)), x.get(2)),
                        numbers(1, s),
                        numbers(2, s),
                        numbers(3, s[2]));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> argMax() {
        return ifPresent(FusedArgMax.class, probe -> {
            for (long columns : SIZES) {
                probe.checkIndices(ArgMaxFunction::apply, numbers(1, 3, columns));
                probe.checkIndices(ArgMaxFunction::apply, HostArray.filled(Shape.of(2, columns), -7));
                probe.checkIndices(ArgMaxFunction::apply, numbers(2, 5, columns).map(v -> Math.rint(3 * v)));
                probe.checkIndices(KernelContract::argMaxInto, numbers(4, 5, columns));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> lagSums() {
        return ifPresent(FusedLagSums.class, probe -> {
            // B, T, K
            for (int[] s : new int[][] {{1, 1, 1}, {2, 3, 3}, {3, 33, 4}, {2, 300, 4}, {1, 7, 1}, {2, 40, 6}}) {
                HostArray matrix = numbers(1, s[0], 1, s[1], s[1]);
                HostArray scores = numbers(2, s[0], 1, s[1], s[1]);
                probe.checkUntracked(
                        "lag sums of a matrix",
                        x -> LagSumsFunction.ofMatrix(x.get(0), x.get(1), s[2]),
                        matrix,
                        scores);
                probe.checkUntracked("lag sums of scores", x -> LagSumsFunction.ofScores(x.get(0), s[2]), scores);
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> mamba2() {
        return ifPresent(FusedMamba2.class, probe -> {
            // B, T, H, G, P, N, K
            int[][] sizes = {{1, 2, 4, 1, 16, 16, 2}, {2, 65, 4, 2, 32, 16, 4}, {2, 207, 8, 8, 64, 64, 4}};
            for (int[] s : sizes) {
                Mamba2Function.Config config = new Mamba2Function.Config((long) s[2] * s[4], s[2], s[3], s[5], 64);
                long channels = config.convChannels();
                probe.check(
                        "Mamba-2 between its projections",
                        x -> Mamba2Function.apply(
                                probe.activation(x.get(0)),
                                new Mamba2Function.Weights(x.get(1), x.get(2), x.get(3), x.get(4)),
                                config),
                        numbers(1, s[0], s[1], channels + config.width() + s[2]),
                        numbers(2, channels, 1, s[6]),
                        numbers(3, channels),
                        numbers(4, s[2]),
                        numbers(5, config.width()));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> mamba2Mixer() {
        return ifPresent(FusedMamba2.class, probe -> {
            for (int t : new int[] {1, 2, 70}) {
                DiscreteMamba2.Config config = new DiscreteMamba2.Config(128, 4, 2, 16, 4, 64);
                probe.checkUntracked(
                        "mixer of " + config,
                        x -> withRandomWeights(config, probe.activation(x.get(0)), (mixer, u) -> mixer.forward(u)),
                        numbers(1, 2, t, 128));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> mambaStep() {
        return ifPresent(FusedStep.class, probe -> {
            // B, T, D, H, G, N, K
            int[][] sizes = {
                {1, 5, 8, 1, 1, 3, 2}, {2, 7, 24, 4, 2, 5, 4}, {3, 6, 130, 2, 2, 65, 3}, {1, 9, 128, 2, 1, 64, 4}
            };
            for (int[] s : sizes) {
                DiscreteMamba2.Config config = new DiscreteMamba2.Config(s[2], s[3], s[4], s[5], s[6], 4);
                probe.checkUntracked(
                        "steps of " + config,
                        x -> steps(config, probe.activation(x.get(0))),
                        numbers(1, s[0], s[1], s[2]));
            }
        });
    }

    private static Tensor steps(DiscreteMamba2.Config config, Tensor u) {
        return withRandomWeights(config, u, (mixer, in) -> {
            try (MixerState state = mixer.newState(in.dim(0))) {
                List<Tensor> outputs = new ArrayList<>();
                for (long t = 0; t < in.dim(1); t++) {
                    outputs.add(mixer.forward(in.narrow(1, t, 1), state));
                }
                return Tensor.concat(1, outputs);
            }
        });
    }

    /** Weights that mixed precision need not round. */
    private static Tensor withRandomWeights(
            DiscreteMamba2.Config config, Tensor u, BiFunction<DiscreteMamba2, Tensor, Tensor> function) {
        try (DiscreteMamba2 mixer = config.create(u.engine(), new SplittableRandom(5))) {
            mixer.parameters()
                    .forEach((name, parameter) -> parameter.set(HostArray.random(parameter.shape(), name.hashCode())
                            .map(v -> v / 2)
                            .roundedTo(DType.BFLOAT16)
                            .toHostTensor()));
            return function.apply(mixer, u);
        }
    }

    @TestFactory
    default Stream<DynamicNode> recorder() {
        return onEach(probe -> {
            Assumptions.assumeTrue(
                    probe.backend().graphCapture().isPresent(),
                    () -> probe.backend().name() + " has no GraphCapture");
            KernelProbe.checkRecorder(probe);
        });
    }

    @TestFactory
    default Stream<DynamicNode> frobeniusDistance() {
        return ifPresent(FusedFrobenius.class, probe -> {
            // B, T, H, teacher's G, P, student's G, N
            int[][] sizes = {
                {1, 1, 1, 1, 1, 1, 1},
                {2, 13, 4, 2, 8, 4, 5},
                {1, 65, 2, 2, 16, 1, 16},
                {2, 207, 2, 1, 8, 2, 13},
                {2, 207, 4, 4, 64, 4, 64},
                {2, 207, 4, 2, 64, 4, 64},
                {1, 130, 4, 4, 32, 2, 128},
                {1, 130, 4, 1, 32, 2, 16}
            };
            for (int[] s : sizes) {
                if (probe.isNarrow() && (s[4] < 16 || s[6] < 16)) {
                    // run as the composition
                    continue;
                }
                probe.checkWithTeacher(
                        "Frobenius distance",
                        x -> FrobeniusDistance.between(
                                x.get(0).engine(),
                                new SoftmaxMatrix(probe.activation(x.get(0)), probe.activation(x.get(1)), 0.7),
                                new SemiseparableMatrix(
                                        probe.activation(x.get(2)),
                                        probe.activation(x.get(3)),
                                        x.get(4),
                                        Optional.of(x.get(5)),
                                        16)),
                        2,
                        numbers(1, s[0], s[1], s[2], s[4]),
                        numbers(2, s[0], s[1], s[3], s[4]),
                        numbers(3, s[0], s[1], s[5], s[6]),
                        numbers(4, s[0], s[1], s[5], s[6]),
                        numbers(5, s[0], s[1], s[2]).map(v -> -0.6 - 0.5 * v),
                        numbers(6, s[2]));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> adamW() {
        return ifPresent(FusedAdamW.class, KernelProbe::checkAdamW);
    }
}
