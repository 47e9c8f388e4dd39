package org.mohawk4j.backend.contract;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.GluFunction;
import org.mohawk4j.op.GluFunction.FusedGlu;
import org.mohawk4j.op.RmsNormFunction;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
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
            for (long[] s :
                    new long[][] {{1, 1}, {1, 13}, {13, 63}, {2, 5, 65}, {2, 3, 4, 12}, {207, 207}, {2, 3, 2048}}) {
                probe.check(
                        "RMS norm",
                        x -> RmsNormFunction.apply(probe.activation(x.get(0)), x.get(1), 1e-5),
                        numbers(1, s).map(v -> 2 * v + 3),
                        numbers(2, s[s.length - 1]));
            }
        });
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
}
