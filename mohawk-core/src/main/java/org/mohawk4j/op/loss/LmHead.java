package org.mohawk4j.op.loss;

import java.util.Optional;
import org.mohawk4j.Arguments;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.SoftCap;
import org.mohawk4j.tensor.Tensor;

/**
 * Final hidden states with the linear map that turns them into logits, kept apart so that logits of all positions need
 * never exist at once.
 *
 * @param hidden [R,D]
 * @param weight [V,D]
 * @param bias [V]
 * @param softCap bounds the logits, as {@link SoftCap} does; 0: no bound
 */
public record LmHead(Tensor hidden, Tensor weight, Optional<Tensor> bias, double softCap) {
    public LmHead {
        Arguments.notNegative("head: soft-cap", softCap);
    }

    /** Logits without bound. */
    public LmHead(Tensor hidden, Tensor weight, Optional<Tensor> bias) {
        this(hidden, weight, bias, 0);
    }

    /** All logits, [R,V], in the type of parameters: a narrower one would blur probabilities. */
    public Tensor logits() {
        return SoftCap.apply(
                LinearFunction.apply(hidden.cast(hidden.engine().parameterType()), weight, bias, Activation.NONE),
                softCap);
    }

    /** The same numbers, which no gradient reaches. */
    public LmHead detach() {
        return new LmHead(hidden.detach(), weight.detach(), bias.map(Tensor::detach), softCap);
    }

    /** Rows {@code from .. from + count - 1}. */
    public LmHead rows(long from, long count) {
        return new LmHead(hidden.narrow(0, from, count), weight, bias, softCap);
    }

    /**
     * The logit of one token per row, of the weight as products round it, like {@link #logits}.
     *
     * @param ids int32 [R]
     * @return [R,1]
     */
    Tensor logitsOf(Tensor ids) {
        Backend backend = hidden.engine().backend();
        Tensor rows = EmbeddingFunction.apply(weight, ids).cast(backend.productType());
        Tensor picked = rows.cast(backend.parameterType())
                .mul(hidden.cast(backend.parameterType()))
                .sum(-1, true);
        return SoftCap.apply(
                bias.map(b -> picked.add(EmbeddingFunction.apply(b.reshape(-1, 1), ids)))
                        .orElse(picked),
                softCap);
    }
}
