package org.mohawk4j.op.loss;

import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.Arguments;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * The loss of stage 3: cross-entropy between the teacher's and the student's token distributions,
 * {@code mean over rows of -sum_v softmax(teacher/τ) log softmax(student/τ)}, with an optional share of the
 * cross-entropy with the true tokens.
 */
public final class DistillationFunction {
    private DistillationFunction() {}

    /**
     * @param temperature τ
     * @param hardLabelShare λ in (1-λ)·distillation + λ·cross-entropy with the labels
     */
    public record Weights(double temperature, double hardLabelShare) {
        public static final Weights PLAIN = new Weights(1, 0);

        public Weights {
            Arguments.positive("temperature", temperature);
            Arguments.require(
                    hardLabelShare >= 0 && hardLabelShare <= 1,
                    "hard-label share",
                    "a number from 0 to 1",
                    hardLabelShare);
        }
    }

    /** The loss straight from hidden states and heads, in chunks of rows. */
    public interface FusedDistillation extends FusedOp {
        /** Loss [] and, where wanted, the gradients of the student's hidden [R,D], weight [V,D] and bias [V]. */
        record Result(Array loss, Optional<Array> hidden, Optional<Array> weight, Optional<Array> bias) {}

        /** Which gradients are wanted. */
        record Wanted(boolean hidden, boolean weight, boolean bias) {}

        Result forward(Operands teacher, Operands student, Optional<Array> labels, Weights weights, Wanted wanted);
    }

    /** A {@link LmHead} in the backend's terms. */
    public record Operands(Array hidden, Array weight, Optional<Array> bias) {
        static Operands of(LmHead head) {
            return new Operands(
                    head.hidden().array(), head.weight().array(), head.bias().map(Tensor::array));
        }
    }

    /**
     * @param teacher no gradient reaches it
     * @param labels int32 [R], the true next tokens; needed if the hard-label share is not zero
     * @return rank 0
     */
    public static Tensor apply(LmHead teacher, LmHead student, Optional<Tensor> labels, Weights weights) {
        Engine engine = student.hidden().engine();
        requireLabels(labels, weights);
        requireShapes(teacher, student, labels);
        Optional<FusedDistillation> kernel = engine.backend()
                .fused(FusedDistillation.class)
                .filter(fused -> teacher.softCap() == 0 && student.softCap() == 0);
        if (kernel.isEmpty()) {
            return reference(teacher, student, labels, weights);
        }
        FusedDistillation.Wanted wanted = new FusedDistillation.Wanted(
                engine.isTracked(student.hidden()),
                engine.isTracked(student.weight()),
                student.bias().filter(engine::isTracked).isPresent());
        FusedDistillation.Result result = kernel.get()
                .forward(Operands.of(teacher), Operands.of(student), labels.map(Tensor::array), weights, wanted);
        return record(
                engine.wrap(result.loss()),
                student,
                result.hidden().map(engine::wrap),
                result.weight().map(engine::wrap),
                result.bias().map(engine::wrap));
    }

    /** Ties a loss to the student's head by gradients that are ready, those that are wanted. */
    static Tensor record(
            Tensor loss, LmHead student, Optional<Tensor> hidden, Optional<Tensor> weight, Optional<Tensor> bias) {
        return loss.engine()
                .record(
                        loss,
                        Stream.of(
                                        hidden.map(g -> edge(student.hidden(), g)),
                                        weight.map(g -> edge(student.weight(), g)),
                                        bias.map(g -> edge(student.bias().orElseThrow(), g)))
                                .flatMap(Optional::stream)
                                .toArray(Edge[]::new));
    }

    /** For a loss of its own the gradient is not multiplied by 1: of a vocabulary's weight it is large. */
    private static Edge edge(Tensor input, Tensor gradient) {
        return Edge.ofOwn(
                input, upstream -> input.engine().isUnit(upstream) ? gradient : gradient.mul(upstream), gradient);
    }

    public static Tensor reference(LmHead teacher, LmHead student, Optional<Tensor> labels, Weights weights) {
        requireLabels(labels, weights);
        double sharpness = 1 / weights.temperature();
        Tensor target = teacher.detach().logits().mul(sharpness).softmax();
        Tensor logits = student.logits();
        Tensor scaled = logits.mul(sharpness);
        Tensor soft = CrossEntropyFunction.logSumExp(scaled)
                .sub(target.mul(scaled).sum(-1, true))
                .mean();
        return withHardLabels(soft, logits, student, labels, weights);
    }

    /** A soft loss with the share of the cross-entropy with the true tokens. */
    static Tensor withHardLabels(Tensor soft, Tensor logits, LmHead student, Optional<Tensor> labels, Weights weights) {
        requireLabels(labels, weights);
        if (labels.isEmpty() || weights.hardLabelShare() == 0) {
            return soft;
        }
        Tensor hard = CrossEntropyFunction.logSumExp(logits)
                .sub(student.logitsOf(labels.get()))
                .mean();
        return soft.mul(1 - weights.hardLabelShare()).add(hard.mul(weights.hardLabelShare()));
    }

    /** Rows of logits, and an id for each, are what the heads have in common. */
    private static void requireShapes(LmHead teacher, LmHead student, Optional<Tensor> labels) {
        requireHead("teacher", teacher);
        requireHead("student", student);
        if (teacher.weight().dim(0) != student.weight().dim(0)
                || teacher.hidden().dim(0) != student.hidden().dim(0)) {
            throw new IllegalArgumentException("distillation needs heads of one R and one V; got the teacher's "
                    + describe(teacher) + ", the student's " + describe(student));
        }
        labels.ifPresent(ids -> {
            if (!ids.shape().equals(Shape.of(student.hidden().dim(0))) || ids.dtype() != DType.INT32) {
                throw new IllegalArgumentException(
                        "distillation needs labels [R] in INT32; got labels " + ids.dtype() + " "
                                + ids.shape()
                                + " for the student's " + describe(student));
            }
            ids.engine().requireIndicesBelow(student.weight().dim(0), ids, "label");
        });
    }

    private static void requireHead(String whose, LmHead head) {
        boolean fits = head.hidden().shape().rank() == 2
                && head.weight().shape().rank() == 2
                && head.hidden().dim(1) == head.weight().dim(1)
                && head.bias()
                        .map(bias -> bias.shape().equals(Shape.of(head.weight().dim(0))))
                        .orElse(true);
        if (!fits) {
            throw new IllegalArgumentException("distillation needs hidden [R,D], weight [V,D], bias [V]; got the "
                    + whose + "'s " + describe(head));
        }
    }

    private static String describe(LmHead head) {
        return "hidden " + head.hidden().shape() + ", weight " + head.weight().shape()
                + head.bias().map(bias -> ", bias " + bias.shape()).orElse("");
    }

    static void requireLabels(Optional<Tensor> labels, Weights weights) {
        if (weights.hardLabelShare() > 0 && labels.isEmpty()) {
            throw new IllegalArgumentException("a hard-label share of " + weights.hardLabelShare() + " needs labels");
        }
    }
}
