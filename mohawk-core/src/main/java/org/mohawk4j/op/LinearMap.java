package org.mohawk4j.op;

import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.tensor.Tensor;

/**
 * A linear map with what follows it, {@code activation(x Wᵀ + bias)}, to be handed over rather than applied.
 *
 * @param weight [E,D]
 * @param bias [E]
 */
public record LinearMap(Tensor weight, Optional<Tensor> bias, Activation activation) {
    /** What a kernel sees of it. */
    public record Arrays(Array weight, Optional<Array> bias, Activation activation) {}

    /**
     * @param x [..., D]
     * @return [..., E]
     */
    public Tensor apply(Tensor x) {
        return LinearFunction.apply(x, weight, bias, activation);
    }

    /** @throws IllegalArgumentException if this cannot be applied to x [..., D] */
    public void requireFits(Tensor x) {
        LinearFunction.requireWidth(x, weight);
        bias.ifPresent(b -> LinearFunction.requireBias(b, weight));
    }

    public Arrays arrays() {
        return new Arrays(weight.array(), bias.map(Tensor::array), activation);
    }

    public Stream<Tensor> tensors() {
        return Stream.concat(Stream.of(weight), bias.stream());
    }
}
