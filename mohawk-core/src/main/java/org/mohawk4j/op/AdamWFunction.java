package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.mohawk4j.Arguments;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** One step of AdamW (Loshchilov and Hutter 2019) over many parameters, in place, as PyTorch's applies it. */
public final class AdamWFunction {
    private AdamWFunction() {}

    /**
     * A stretch of a parameter with hyperparameters of its own.
     *
     * @param count of its elements, at least 1
     * @param rateFactor times the step's learning rate
     * @param weightDecay times the learning rate of this stretch; 0: none
     */
    public record Part(long count, double rateFactor, double weightDecay) {
        public Part {
            Arguments.atLeast(1, "elements", count);
            Arguments.notNegative("learning-rate factor", rateFactor);
            Arguments.notNegative("weight decay", weightDecay);
        }
    }

    /**
     * A parameter with its gradient and moments, all of one shape.
     *
     * @param parts one after the other in row-major order, all elements together
     */
    public record Slot(Tensor value, Tensor gradient, Tensor firstMoment, Tensor secondMoment, List<Part> parts) {
        public Slot {
            parts = List.copyOf(parts);
            if (value.dtype() != firstMoment.dtype() || gradient.dtype() != value.dtype()) {
                throw new IllegalArgumentException("a parameter of type " + value.dtype() + " with a gradient of type "
                        + gradient.dtype() + " and moments of type " + firstMoment.dtype() + " cannot be trained");
            }
            long covered = parts.stream().mapToLong(Part::count).sum();
            if (covered != value.shape().size()) {
                throw new IllegalArgumentException(
                        "a parameter of shape " + value.shape() + " in parts of " + covered + " elements");
            }
        }

        /** A parameter of one part, at the step's learning rate. */
        public Slot(Tensor value, Tensor gradient, Tensor firstMoment, Tensor secondMoment, double weightDecay) {
            this(
                    value,
                    gradient,
                    firstMoment,
                    secondMoment,
                    List.of(new Part(value.shape().size(), 1, weightDecay)));
        }
    }

    /**
     * The numbers of one step.
     *
     * @param step from 1, for the correction of the moments' start at zero
     */
    public record Hyperparameters(double learningRate, double beta1, double beta2, double epsilon, int step) {
        public Hyperparameters {
            Arguments.notNegative("learning rate", learningRate);
            Arguments.kept("beta1", beta1);
            Arguments.kept("beta2", beta2);
            Arguments.positive("epsilon", epsilon);
            Arguments.atLeast(1, "step", step);
        }

        /** The share of a first moment that has been filled so far. */
        public double correction1() {
            return 1 - Math.pow(beta1, step);
        }

        /** The share of a second moment that has been filled so far. */
        public double correction2() {
            return 1 - Math.pow(beta2, step);
        }
    }

    /** All parameters in few launches. */
    public interface FusedAdamW extends FusedOp {
        /** The Euclidean norm of all gradients together, rank 0. */
        Array norm(List<Array> gradients);

        /** @param gradientScale rank 0, multiplies every gradient first */
        void update(List<Slot> slots, Array gradientScale, Hyperparameters hyperparameters);
    }

    /** The Euclidean norm of all gradients together, rank 0. */
    public static Tensor norm(Engine engine, List<Tensor> gradients) {
        Optional<FusedAdamW> kernel = engine.backend().fused(FusedAdamW.class);
        return kernel.map(k ->
                        engine.wrap(k.norm(gradients.stream().map(Tensor::array).toList())))
                .orElseGet(() -> referenceNorm(engine, gradients));
    }

    public static Tensor referenceNorm(Engine engine, List<Tensor> gradients) {
        return engine.scoped(() -> {
            Tensor sum = engine.zeros();
            for (Tensor gradient : gradients) {
                sum = sum.add(gradient.square().sum());
            }
            return sum.sqrt();
        });
    }

    /**
     * What clipping by global norm multiplies gradients by: 1 up to the limit, limit / norm above it.
     *
     * @param norm rank 0
     * @return rank 0
     */
    public static Tensor clipScale(Tensor norm, double limit) {
        // from what is above the limit, not from what is left: 1 - (1 - x) would lose the digits of a small x
        Tensor excess = norm.add(1e-6 - limit).relu();
        return norm.fullLike(limit).div(excess.add(limit));
    }

    /** @param gradientScale rank 0, multiplies every gradient first */
    public static void update(Engine engine, List<Slot> slots, Tensor gradientScale, Hyperparameters hyperparameters) {
        Optional<FusedAdamW> kernel = engine.backend().fused(FusedAdamW.class);
        if (kernel.isPresent()) {
            kernel.get().update(slots, gradientScale.array(), hyperparameters);
            return;
        }
        for (Slot slot : slots) {
            reference(engine, slot, gradientScale, hyperparameters);
        }
    }

    public static void reference(Engine engine, Slot slot, Tensor gradientScale, Hyperparameters h) {
        ElementwiseOps ops = engine.backend().elementwise();
        try (Scope scope = engine.scope()) {
            Tensor gradient = scope.adopt(slot.gradient().mul(gradientScale));
            decay(ops, slot.firstMoment(), h.beta1());
            ops.accumulate(slot.firstMoment().array(), gradient.array(), 1 - h.beta1());
            decay(ops, slot.secondMoment(), h.beta2());
            ops.accumulate(slot.secondMoment().array(), gradient.square().array(), 1 - h.beta2());
            Tensor deviation = slot.secondMoment().sqrt().affine(1 / Math.sqrt(h.correction2()), h.epsilon());
            Tensor direction = slot.firstMoment().div(deviation).mul(spread(slot, Part::rateFactor));
            Tensor decay = spread(slot, part -> part.rateFactor() * part.weightDecay());
            ops.accumulate(slot.value().array(), slot.value().mul(decay).array(), -h.learningRate());
            ops.accumulate(slot.value().array(), direction.array(), -h.learningRate() / h.correction1());
        }
    }

    /** A number of each part in all of its elements, in the slot's shape. */
    private static Tensor spread(Slot slot, ToDoubleFunction<Part> number) {
        List<Tensor> stretches = slot.parts().stream()
                .map(part -> slot.value().engine().full(number.applyAsDouble(part), part.count()))
                .toList();
        return Tensor.concat(0, stretches).reshape(slot.value().shape().toArray());
    }

    /** {@code tensor *= factor}. */
    private static void decay(ElementwiseOps ops, Tensor tensor, double factor) {
        ops.accumulate(tensor.array(), tensor.array(), factor - 1);
    }
}
