package org.mohawk4j.op.loss;

import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** Negative log-likelihood of given tokens. */
public final class CrossEntropyFunction {
    private CrossEntropyFunction() {}

    /** The loss straight from hidden states and head, where no gradient is wanted. */
    public interface FusedCrossEntropy extends FusedOp {
        /**
         * @param labels int32 [R]
         * @return [R,1]
         */
        Array forward(DistillationFunction.Operands head, Array labels);
    }

    /**
     * Per row, in nats.
     *
     * @param labels int32 [R]
     * @return [R,1]
     */
    public static Tensor apply(LmHead head, Tensor labels) {
        Engine engine = head.hidden().engine();
        if (labels.dtype() != DType.INT32
                || labels.shape().rank() != 1
                || labels.dim(0) != head.hidden().dim(0)) {
            throw new IllegalArgumentException("cross-entropy of hidden states "
                    + head.hidden().shape() + ": expected a label of INT32 for each row, got " + labels.shape() + " of "
                    + labels.dtype());
        }
        boolean tracked = Stream.concat(Stream.of(head.hidden(), head.weight()), head.bias().stream())
                .anyMatch(engine::isTracked);
        if (tracked || head.softCap() != 0) {
            return reference(head, labels);
        }
        engine.requireIndicesBelow(head.weight().dim(0), labels, "id");
        return engine.backend()
                .fused(FusedCrossEntropy.class)
                .map(kernel -> engine.wrap(kernel.forward(DistillationFunction.Operands.of(head), labels.array())))
                .orElseGet(() -> reference(head, labels));
    }

    public static Tensor reference(LmHead head, Tensor labels) {
        return logSumExp(head.logits()).sub(head.logitsOf(labels));
    }

    /** {@code log(sum(exp(x)))} along the last axis, which keeps extent 1. */
    static Tensor logSumExp(Tensor x) {
        Engine engine = x.engine();
        Tensor largest = engine.unrecorded(() -> x.detach().max(-1, true));
        return x.sub(largest).exp().sum(-1, true).log().add(largest);
    }
}
