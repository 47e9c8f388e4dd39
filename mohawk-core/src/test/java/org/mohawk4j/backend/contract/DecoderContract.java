package org.mohawk4j.backend.contract;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.NormedLinearsFunction.Norm;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.ResidualRmsNormFunction;
import org.mohawk4j.op.ResidualRmsNormFunction.FusedResidualRmsNorm;
import org.mohawk4j.op.RmsNormFunction;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.mohawk4j.op.glu.GatedMlpFunction;
import org.mohawk4j.op.glu.GatedMlpFunction.FusedGatedMlp;
import org.mohawk4j.op.glu.GluFunction;
import org.mohawk4j.op.glu.GluFunction.FusedGlu;
import org.mohawk4j.op.glu.NormedGluFunction;
import org.mohawk4j.op.glu.NormedGluFunction.FusedNormedGlu;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.op.loss.CrossEntropyFunction.FusedCrossEntropy;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** Fused kernels of decoders with RMS norms and gated MLPs, as {@link KernelContract}. */
interface DecoderContract extends ContractTests {
    private static HostArray numbers(long seed, long... shape) {
        return HostArray.random(Shape.of(shape), seed);
    }

    @TestFactory
    default Stream<DynamicNode> rmsNorm() {
        return ifPresent(FusedRmsNorm.class, probe -> {
            long[][] sizes = {
                {1, 1},
                {1, 13},
                {13, 63},
                {2, 5, 65},
                {2, 3, 4, 12},
                {207, 207},
                {2, 3, 2048},
                {70, 512},
                {5, 516},
                {2, 8200}
            };
            for (long[] s : sizes) {
                probe.check(
                        "RMS norm",
                        x -> RmsNormFunction.apply(probe.activation(x.get(0)), x.get(1), 1e-5),
                        numbers(1, s).map(v -> 2 * v + 3),
                        numbers(2, s[s.length - 1]));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> crossEntropy() {
        return ifPresent(FusedCrossEntropy.class, probe -> {
            // R, D, V
            for (int[] s : new int[][] {{1, 1, 2}, {13, 5, 63}, {65, 13, 207}, {70, 16, 2048}}) {
                HostArray labels = HostArray.randomIndices(Shape.of(s[0]), s[2], 9);
                for (boolean biased : new boolean[] {false, true}) {
                    probe.checkUntracked(
                            "cross-entropy",
                            x -> CrossEntropyFunction.apply(
                                    new LmHead(
                                            probe.activation(x.get(0)),
                                            x.get(1),
                                            Optional.of(x.get(2)).filter(bias -> biased)),
                                    probe.ids(x.get(0).engine(), labels)),
                            numbers(1, s[0], s[1]).map(v -> 20 * v),
                            numbers(2, s[2], s[1]),
                            numbers(3, s[2]));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> residualRmsNorm() {
        return ifPresent(FusedResidualRmsNorm.class, probe -> {
            for (long[] s : new long[][] {{1, 13}, {13, 63}, {70, 65}, {2, 5, 64}, {65, 2048}, {2, 8200}}) {
                HostArray[] inputs = {numbers(1, s).map(v -> 2 * v + 3), numbers(2, s), numbers(3, s[s.length - 1])};
                probe.check(
                        "residual sum and its RMS norm",
                        x -> {
                            Normed both = residualRmsNorm(probe, x);
                            return Tensor.concat(
                                    0,
                                    List.of(
                                            both.sum(),
                                            both.normalized().cast(both.sum().dtype())));
                        },
                        inputs);
                probe.check(
                        "RMS norm of a residual sum",
                        x -> residualRmsNorm(probe, x).normalized(),
                        inputs);
                probe.check(
                        "residual sum with an RMS norm",
                        x -> residualRmsNorm(probe, x).sum(),
                        inputs);
            }
        });
    }

    private static Normed residualRmsNorm(KernelProbe probe, List<Tensor> x) {
        return ResidualRmsNormFunction.apply(x.get(0), probe.activation(x.get(1)), x.get(2), 1e-5);
    }

    @TestFactory
    default Stream<DynamicNode> gatedLinearUnit() {
        return ifPresent(FusedGlu.class, probe -> {
            for (long[] s : new long[][] {{1, 1}, {1, 13}, {13, 63}, {2, 5, 65}, {207, 207}}) {
                for (Activation activation : Activation.values()) {
                    probe.check(
                            "gated linear unit, " + activation,
                            x -> GluFunction.apply(probe.activation(x.get(0)), probe.activation(x.get(1)), activation),
                            numbers(1, s).map(v -> 5 * v),
                            numbers(2, s));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> gatedMlp() {
        return ifPresent(FusedGatedMlp.class, probe -> {
            // R, D, F, E
            for (long[] s :
                    new long[][] {{1, 8, 8, 8}, {13, 64, 72, 40}, {207, 63, 65, 8}, {65, 7, 16, 5}, {300, 128, 512, 128}
                    }) {
                for (Activation activation : Activation.values()) {
                    probe.check(
                            "gated MLP, " + activation,
                            x -> GatedMlpFunction.apply(
                                    probe.activation(x.get(0)),
                                    new GatedMlpFunction.Weights(x.get(1), x.get(2), x.get(3)),
                                    activation),
                            // not near 0, where rounding may choose the other side of relu's kink
                            numbers(1, s[0], s[1]).map(v -> activation == Activation.RELU ? Math.abs(v) + 0.1 : v),
                            numbers(2, s[2], s[1]).map(v -> activation == Activation.RELU ? Math.abs(v) : v),
                            numbers(3, s[2], s[1]),
                            numbers(4, s[3], s[2]));
                }
            }
        });
    }

    /** As in generation, with weights as a model keeps them that is not trained. */
    @TestFactory
    default Stream<DynamicNode> rmsNormedLinears() {
        return ifPresent(FusedNormedLinears.class, probe -> {
            // R, D, E
            for (long[] s : new long[][] {{1, 8, 1}, {1, 64, 5000}, {2, 2048, 300}, {3, 2056, 130}, {5, 64, 13}}) {
                probe.checkUntracked(
                        "linear map of an RMS norm",
                        x -> NormedLinearsFunction.apply(
                                        x.get(0),
                                        rms(x.get(1)),
                                        List.of(new LinearMap(
                                                probe.narrowed(x.get(2)), Optional.of(x.get(3)), Activation.NONE)),
                                        x.get(0).engine().parameterType())
                                .get(0),
                        numbers(1, s[0], s[1]).map(v -> 3 * v + 1),
                        numbers(2, s[1]),
                        numbers(3, s[2], s[1]),
                        numbers(4, s[2]));
            }
        });
    }

    /** Likewise. */
    @TestFactory
    default Stream<DynamicNode> normedGlu() {
        return ifPresent(FusedNormedGlu.class, probe -> {
            // R, D, F
            for (long[] s :
                    new long[][] {{1, 8, 1}, {1, 64, 3000}, {2, 2048, 300}, {3, 2056, 136}, {4, 4104, 65}, {5, 64, 13}
                    }) {
                for (Activation activation : Activation.values()) {
                    HostArray[] inputs = {
                        numbers(1, s[0], s[1]).map(v -> 3 * v + 1),
                        numbers(2, s[1]),
                        numbers(3, s[2], s[1]),
                        numbers(4, s[2], s[1]),
                        numbers(5, s[2]),
                        numbers(6, s[1])
                    };
                    probe.checkUntracked(
                            "gated linear unit of an RMS norm, " + activation,
                            x -> normedGlu(probe, x, rms(x.get(1)), activation),
                            inputs);
                    probe.checkUntracked(
                            "gated linear unit of a layer norm, " + activation,
                            x -> normedGlu(probe, x, new Norm(x.get(1), x.get(5), 1e-5), activation),
                            inputs);
                }
            }
        });
    }

    private static Tensor normedGlu(KernelProbe probe, List<Tensor> x, Norm norm, Activation activation) {
        return NormedGluFunction.apply(
                        x.get(0),
                        norm,
                        new LinearMap(probe.narrowed(x.get(2)), Optional.of(x.get(4)), activation),
                        new LinearMap(probe.narrowed(x.get(3)), Optional.empty(), Activation.NONE))
                .cast(x.get(0).dtype());
    }

    private static Norm rms(Tensor weight) {
        return new Norm(weight, Optional.empty(), 1e-5);
    }
}
