package org.mohawk4j.op.loss;

import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Negative log-likelihood of given tokens. */
public final class CrossEntropyFunction {
    private CrossEntropyFunction() {}

    /**
     * Per row, in nats.
     *
     * @param labels int32 [R]
     * @return [R,1]
     */
    public static Tensor apply(LmHead head, Tensor labels) {
        return logSumExp(head.logits()).sub(head.logitsOf(labels));
    }

    /** {@code log(sum(exp(x)))} along the last axis, which keeps extent 1. */
    static Tensor logSumExp(Tensor x) {
        Engine engine = x.engine();
        Tensor largest = engine.unrecorded(() -> x.detach().max(-1, true));
        return x.sub(largest).exp().sum(-1, true).log().add(largest);
    }
}
