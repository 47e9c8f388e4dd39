package org.mohawk4j.nn;

import java.util.List;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * The part of a block that works on each position alone, [..., D] to [..., D]. It begins with linear maps of its input
 * and ends with one, so that a block that generates can apply them together with others.
 */
public abstract class FeedForward extends Layer {
    protected FeedForward(Engine engine) {
        super(engine);
    }

    public abstract Tensor apply(Tensor x);

    /** Of the input, with the activations that follow. */
    public abstract List<LinearMap> inputProjections();

    /**
     * What the last map is applied to, [..., F].
     *
     * @param mapped what the first maps give, [..., F] each
     */
    public abstract Tensor between(List<Tensor> mapped);

    /**
     * What the last map is applied to, [..., F] in the type of products.
     *
     * @param norm of the input
     * @param x the input before it
     */
    public Tensor between(Norm norm, Tensor x) {
        return between(norm.thenMaps(x, inputProjections(), engine().backend().productType()));
    }

    /** To the output. */
    public abstract LinearMap outputProjection();
}
