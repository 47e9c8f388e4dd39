package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.Arguments;
import org.mohawk4j.Records;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * What a discrete Mamba-2 does between its two projections: x, B and C through a causal convolution, the semiseparable
 * product with decay {@code -softplus(A_log)}, the way around its state, and the gate.
 */
public final class Mamba2Function {
    private Mamba2Function() {}

    /**
     * Extents and the chunk.
     *
     * @param width H·P, which is D in the shapes below
     * @param heads H
     * @param groups G
     * @param stateSize N
     * @param chunk Q
     */
    public record Config(long width, int heads, int groups, int stateSize, int chunk) {
        public Config {
            Arguments.atLeast(1, "Mamba-2: width", width);
            Arguments.require(heads > 0 && width % heads == 0, "Mamba-2: heads", "a divisor of " + width, heads);
            Arguments.require(groups > 0 && heads % groups == 0, "Mamba-2: groups", "a divisor of " + heads, groups);
            Arguments.atLeast(1, "Mamba-2: state size", stateSize);
            Arguments.atLeast(1, "Mamba-2: chunk", chunk);
        }

        @Override
        public String toString() {
            return Records.toString(this);
        }

        /** G·N. */
        public long stateWidth() {
            return (long) groups * stateSize;
        }

        /** x, B and C: D + 2·G·N. */
        public long convChannels() {
            return width + 2 * stateWidth();
        }
    }

    /**
     * What is trained.
     *
     * @param convWeight [D + 2·G·N, 1, K]
     * @param convBias [D + 2·G·N]
     * @param skip [H]
     * @param zBias [D]
     */
    public record Weights(Tensor convWeight, Tensor convBias, Tensor skip, Tensor zBias) {
        private Stream<Tensor> all() {
            return Stream.of(convWeight, convBias, skip, zBias);
        }
    }

    /** All of it on the rows of the first projection as they are, whose gradient is written as one array too. */
    public interface FusedMamba2 extends FusedOp {
        /** {@link Weights} in the backend's terms. */
        record Operands(Array convWeight, Array convBias, Array skip, Array zBias) {}

        /** Output [B,T,D], and what {@link #backward} needs besides the inputs. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of the projected rows and of the weights. */
        record Gradients(Array projected, Array convWeight, Array convBias, Array skip, Array zBias) {}

        /** Whether it computes mixers of these extents, in the type that products give. */
        boolean supports(Config config);

        /**
         * @param projected [B,T, D + 2·G·N + D + H] in the type of products
         * @param kept whether {@link #backward} may follow; otherwise nothing need be saved
         * @param trained as in {@link CausalConv1dFunction.FusedCausalConv1d#forward}
         */
        Result forward(Array projected, Operands weights, Config config, boolean kept, boolean trained);

        /** @param outputGradient [B,T,D] */
        Gradients backward(Array outputGradient, Array projected, Operands weights, Config config, List<Array> saved);
    }

    /** The kernel for such mixers, if u is in the type of products and there is one: else parts of the projection do. */
    public static Optional<FusedMamba2> kernel(Tensor u, Config config) {
        return u.engine()
                .backend()
                .fused(FusedMamba2.class)
                .filter(k -> u.dtype() == u.engine().backend().productType())
                .filter(k -> u.dim(1) > 1 && k.supports(config));
    }

    /**
     * @param projected [B,T, D + 2·G·N + D + H]: x, B, C, z, A_log
     * @return [B,T,D]
     */
    public static Tensor apply(Tensor projected, Weights weights, Config config) {
        Optional<FusedMamba2> kernel = kernel(projected, config);
        return kernel.map(k -> fused(k, projected, weights, config))
                .orElseGet(() -> reference(projected, weights, config));
    }

    private static Tensor fused(FusedMamba2 kernel, Tensor projected, Weights weights, Config config) {
        Engine engine = projected.engine();
        List<Tensor> inputs = Stream.concat(Stream.of(projected), weights.all()).toList();
        FusedMamba2.Operands operands = new FusedMamba2.Operands(
                weights.convWeight().array(),
                weights.convBias().array(),
                weights.skip().array(),
                weights.zBias().array());
        FusedMamba2.Result made = kernel.forward(
                projected.array(),
                operands,
                config,
                inputs.stream().anyMatch(engine::isTracked),
                CausalConv1dFunction.isTrained(weights.convWeight(), weights.convBias()));
        return engine.fused(inputs, inputs, made.output(), made.saved(), (gradients, saved) -> {
            FusedMamba2.Gradients g = kernel.backward(gradients.get(0), projected.array(), operands, config, saved);
            return List.of(g.projected(), g.convWeight(), g.convBias(), g.skip(), g.zBias());
        });
    }

    public static Tensor reference(Tensor projected, Weights weights, Config config) {
        List<Tensor> in = projected.split(-1, config.convChannels(), config.width(), config.heads());
        List<Tensor> parts = CausalConv1dFunction.reference(in.get(0), weights.convWeight(), weights.convBias())
                .split(-1, config.width(), config.stateWidth(), config.stateWidth());
        Tensor x = Heads.split(parts.get(0), config.heads());
        Tensor y = SemiseparableFunction.chunked(
                        new SemiseparableFunction.Inputs(
                                x,
                                Heads.split(parts.get(1), config.groups()),
                                Heads.split(parts.get(2), config.groups()),
                                in.get(2).softplus().neg(),
                                Optional.empty()),
                        config.chunk())
                .y();
        return GateFunction.reference(
                Heads.merge(SkipFunction.reference(y, x, weights.skip())), in.get(1), weights.zBias());
    }
}
