package org.mohawk4j.op;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.Arguments;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Product with a 1-semiseparable matrix, the state-space duality of Mamba-2 (Dao and Gu 2024, arXiv 2405.21060,
 * section 6): {@code y_t = c_t · S_t}, {@code S_t = exp(logDecay_t) S_{t-1} + b_t x_tᵀ}.
 *
 * <p>Shapes: x [B,T,H,P]; b, c [B,T,G,N] with G dividing H, group g serving heads g·H/G and following; logDecay [B,T,H],
 * at most 0; states [B,H,P,N].
 */
public final class SemiseparableFunction {
    private SemiseparableFunction() {}

    /** What goes in. {@code state} is that before the first position, zero if absent. */
    public record Inputs(Tensor x, Tensor b, Tensor c, Tensor logDecay, Optional<Tensor> state) {
        public Inputs {
            boolean fits = x.shape().rank() == 4
                    && b.shape().rank() == 4
                    && b.shape().equals(c.shape())
                    && b.dim(0) == x.dim(0)
                    && b.dim(1) == x.dim(1)
                    && x.dim(2) % b.dim(2) == 0
                    && logDecay.shape().equals(x.shape().without(3))
                    && state.map(s -> s.shape().equals(x.shape().without(1).insert(3, b.dim(3))))
                            .orElse(true);
            if (!fits) {
                throw new IllegalArgumentException(
                        "semiseparable product needs x [B,T,H,P], b and c [B,T,G,N], logDecay"
                                + " [B,T,H], state [B,H,P,N]; got x " + x.shape() + ", b " + b.shape() + ", c "
                                + c.shape()
                                + ", logDecay " + logDecay.shape()
                                + state.map(s -> ", state " + s.shape()).orElse(""));
            }
        }

        /** With decays and state in the type of parameters, which kernels read them in: products of both grow with T. */
        Inputs withExactDecay() {
            DType exact = x.engine().parameterType();
            return new Inputs(x, b, c, logDecay.cast(exact), state.map(before -> before.cast(exact)));
        }
    }

    /** Output [B,T,H,P] and the state after the last position [B,H,P,N]. */
    public record Result(Tensor y, Tensor state) {}

    /** Fused product in chunks. */
    public interface FusedSemiseparable extends FusedOp {
        /** Output, final state, and what {@link #backward} needs besides the inputs. */
        record Forward(Array y, Array state, List<Array> saved) {}

        /** Gradients of the inputs, in the order of {@link Inputs}; that of the state only if one was given. */
        record Gradients(Array x, Array b, Array c, Array logDecay, Optional<Array> state) {}

        /** Whether it computes heads of this width P and state size N. */
        boolean supports(long headDim, long stateSize);

        /** @param kept whether {@link #backward} may follow; otherwise nothing need be saved */
        Forward forward(Array x, Array b, Array c, Array logDecay, Optional<Array> state, int chunk, boolean kept);

        Gradients backward(
                Array yGradient,
                Array stateGradient,
                Array x,
                Array b,
                Array c,
                Array logDecay,
                Optional<Array> state,
                List<Array> saved,
                int chunk);
    }

    /**
     * In time linear in T.
     *
     * @param chunk Q, how many positions are handled as one dense block
     */
    public static Result apply(Inputs in, int chunk) {
        Arguments.atLeast(1, "semiseparable product: chunk", chunk);
        if (in.x().dim(1) == 1) {
            return step(in);
        }
        Engine engine = in.x().engine();
        Optional<FusedSemiseparable> kernel = engine.backend().fused(FusedSemiseparable.class);
        return kernel.filter(k -> k.supports(in.x().dim(3), in.b().dim(3)))
                .map(k -> fused(k, in, chunk))
                .orElseGet(() -> chunked(in, chunk));
    }

    private static Result fused(FusedSemiseparable kernel, Inputs given, int chunk) {
        Engine engine = given.x().engine();
        Inputs in = given.withExactDecay();
        List<Tensor> inputs = Stream.concat(Stream.of(in.x(), in.b(), in.c(), in.logDecay()), in.state().stream())
                .toList();
        FusedSemiseparable.Forward made = kernel.forward(
                in.x().array(),
                in.b().array(),
                in.c().array(),
                in.logDecay().array(),
                in.state().map(Tensor::array),
                chunk,
                inputs.stream().anyMatch(engine::isTracked));
        List<Tensor> outputs = engine.fused(
                inputs,
                inputs,
                List.of(engine.wrap(made.y()), engine.wrap(made.state())),
                made.saved(),
                (gradients, saved) -> {
                    FusedSemiseparable.Gradients g = kernel.backward(
                            gradients.get(0),
                            gradients.get(1),
                            in.x().array(),
                            in.b().array(),
                            in.c().array(),
                            in.logDecay().array(),
                            in.state().map(Tensor::array),
                            saved,
                            chunk);
                    return Stream.concat(Stream.of(g.x(), g.b(), g.c(), g.logDecay()), g.state().stream())
                            .toList();
                });
        return new Result(outputs.get(0), outputs.get(1));
    }

    /**
     * {@code L[t,s] = exp(sum of logDecay over s+1..t)} for t ≥ s, else 0.
     *
     * @param logDecay [..., T]
     */
    public static Tensor decayMatrix(Tensor logDecay) {
        Engine engine = logDecay.engine();
        int rank = logDecay.shape().rank();
        // in float64, since sums from the start grow with T, and their differences would lose what they round off
        Tensor sums = logDecay.cast(DType.FLOAT64).cumsum(-1);
        Tensor to = sums.reshape(sums.shape().insert(rank, 1).toArray());
        Tensor from = sums.reshape(sums.shape().insert(rank - 1, 1).toArray());
        return engine.scoped(() -> {
            Tensor exponents = engine.scoped(() -> to.sub(from).cast(logDecay.dtype()));
            return exponents.tril(0, AttentionFunction.MASKED).exp();
        });
    }

    /**
     * The matrix itself, {@code L ∘ (C Bᵀ)}.
     *
     * @return [B,H,T,T]
     */
    public static Tensor matrix(Tensor b, Tensor c, Tensor logDecay) {
        return matrix(b, c, logDecay.dim(-1), decayMatrix(logDecay.permute(0, 2, 1)));
    }

    private static Tensor matrix(Tensor b, Tensor c, long heads, Tensor decayMatrix) {
        Tensor queries = Heads.repeat(c, heads).permute(0, 2, 1, 3);
        Tensor keys = Heads.repeat(b, heads).permute(0, 2, 1, 3);
        return queries.matmul(false, keys, true).mul(decayMatrix);
    }

    /** What is left of each position at the last one: the last row of a decay matrix, as a column. */
    private static Tensor toEnd(Tensor decayMatrix) {
        Shape row = decayMatrix.shape();
        return decayMatrix
                .narrow(-2, row.dim(-2) - 1, 1)
                .reshape(row.with(row.rank() - 1, 1).toArray());
    }

    /** Through the full matrix, in time and memory quadratic in T: what the other ways must equal. */
    public static Result reference(Inputs in) {
        Tensor x = in.x().permute(0, 2, 1, 3);
        long heads = in.x().dim(2);
        Tensor decay = in.logDecay().permute(0, 2, 1);
        Tensor decayMatrix = decayMatrix(decay);
        Tensor y = matrix(in.b(), in.c(), heads, decayMatrix).matmul(x);
        Tensor sums = decay.cumsum(-1);
        Tensor total = sums.narrow(-1, sums.dim(-1) - 1, 1);
        Tensor b = Heads.repeat(in.b(), heads).permute(0, 2, 1, 3);
        Tensor state = x.mul(toEnd(decayMatrix)).matmul(true, b, false);
        if (in.state().isPresent()) {
            Tensor before = in.state().get();
            Tensor c = Heads.repeat(in.c(), heads).permute(0, 2, 1, 3);
            y = y.add(c.matmul(false, before, true).mul(column(sums.exp())));
            state = state.add(before.mul(column(total.exp())));
        }
        return new Result(y.permute(0, 2, 1, 3), state);
    }

    /** One position by the recurrence. */
    static Result step(Inputs in) {
        long batch = in.x().dim(0);
        long heads = in.x().dim(2);
        long width = in.x().dim(3);
        long n = in.b().dim(3);
        Tensor b = Heads.repeat(in.b(), heads).reshape(batch, heads, 1, n);
        Tensor c = Heads.repeat(in.c(), heads).reshape(batch, heads, n, 1);
        Tensor added = in.x().reshape(batch, heads, width, 1).matmul(b);
        Tensor state = in.state()
                .map(before -> before.mul(in.logDecay().exp().reshape(batch, heads, 1, 1))
                        .add(added))
                .orElse(added);
        return new Result(state.matmul(c).reshape(batch, 1, heads, width), state);
    }

    /** Dense within chunks of Q positions, recurrent between them. */
    public static Result chunked(Inputs in, int chunk) {
        Arguments.atLeast(1, "semiseparable product: chunk", chunk);
        long batch = in.x().dim(0);
        long time = in.x().dim(1);
        long heads = in.x().dim(2);
        long q = Math.min(chunk, time);
        long chunks = (time + q - 1) / q;
        Tensor x = toChunks(in.x(), chunks, q);
        Tensor b = toChunks(Heads.repeat(in.b(), heads), chunks, q);
        Tensor c = toChunks(Heads.repeat(in.c(), heads), chunks, q);
        Tensor decay = in.logDecay()
                .pad(1, 0, chunks * q - time)
                .reshape(batch, chunks, q, heads)
                .permute(0, 1, 3, 2);
        Tensor sums = decay.cumsum(-1);
        Tensor total = sums.narrow(-1, q - 1, 1);
        Tensor decayMatrix = decayMatrix(decay);
        Tensor within = c.matmul(false, b, true).mul(decayMatrix).matmul(x);
        Tensor gathered = x.mul(toEnd(decayMatrix)).matmul(true, b, false);
        Tensor kept = column(total.exp());
        List<Tensor> before = new ArrayList<>();
        Tensor state = in.state()
                .orElseGet(() -> x.engine().zeros(batch, heads, x.dim(4), b.dim(4)))
                .reshape(batch, 1, heads, x.dim(4), b.dim(4));
        for (long i = 0; i < chunks; i++) {
            before.add(state);
            state = state.mul(kept.narrow(1, i, 1)).add(gathered.narrow(1, i, 1));
        }
        Tensor across = c.mul(column(sums.exp())).matmul(false, Tensor.concat(1, before), true);
        Tensor y = within.add(across)
                .permute(0, 1, 3, 2, 4)
                .reshape(batch, chunks * q, heads, x.dim(4))
                .narrow(1, 0, time);
        return new Result(y, state.reshape(batch, heads, x.dim(4), b.dim(4)));
    }

    /** [B,T,H,E] to [B,T/Q,H,Q,E], padded with zeros. */
    private static Tensor toChunks(Tensor x, long chunks, long q) {
        return x.pad(1, 0, chunks * q - x.dim(1))
                .reshape(x.dim(0), chunks, q, x.dim(2), x.dim(3))
                .permute(0, 1, 3, 2, 4);
    }

    private static Tensor column(Tensor x) {
        return x.reshape(x.shape().insert(x.shape().rank(), 1).toArray());
    }
}
