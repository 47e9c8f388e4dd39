package org.mohawk4j.train.stage;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/** Stage 3: cross-entropy between the teacher's and the student's token distributions (MOHAWK, section 4.3). */
public final class KnowledgeDistillation implements Objective {
    private final CausalLm teacher;
    private final CausalLm student;
    private final TeacherDistribution distribution;
    private final DistillationFunction.Weights weights;
    private final boolean recompute;
    private final Map<String, Parameter> trained = new LinkedHashMap<>();

    /**
     * @param recompute whether the student's blocks compute their activations again in the backward pass instead of
     *     storing them
     * @param trains which of the student's parameters, by name
     */
    public KnowledgeDistillation(
            CausalLm teacher,
            CausalLm student,
            DistillationFunction.Weights weights,
            boolean recompute,
            Predicate<String> trains) {
        this(teacher, student, TeacherDistribution.whole(teacher, TeacherStates.UNCACHED), weights, recompute, trains);
    }

    /**
     * @param distribution the teacher's
     * @param recompute whether the student's blocks compute their activations again in the backward pass instead of
     *     storing them
     * @param trains which of the student's parameters, by name
     */
    public KnowledgeDistillation(
            CausalLm teacher,
            CausalLm student,
            TeacherDistribution distribution,
            DistillationFunction.Weights weights,
            boolean recompute,
            Predicate<String> trains) {
        this.teacher = teacher;
        this.student = student;
        this.distribution = distribution;
        this.weights = weights;
        this.recompute = recompute;
        student.parameters().forEach((name, parameter) -> {
            if (trains.test(name)) {
                trained.put(name, parameter);
            }
        });
    }

    @Override
    public Map<String, Parameter> trained() {
        return trained;
    }

    @Override
    public double flopsPerToken() {
        return FORWARD_FLOPS * Layer.sizeOf(teacher.parameters()) + TRAINING_FLOPS * Layer.sizeOf(trained);
    }

    @Override
    public List<Tensor> losses(Tensor ids, Tensor labels) {
        TeacherDistribution.Target target = distribution.target(ids, weights);
        Tensor hidden = student.engine().scoped(() -> student.hidden(ids));
        return List.of(target.loss(student.head(hidden), Optional.of(labels)));
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels) {
        return evaluate(ids, labels, Receiver.NOBODY);
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels, Receiver receiver) {
        Engine engine = student.engine();
        TeacherDistribution.Target target = distribution.target(ids, weights);
        try (Tape tape = NamedGradients.tape(trained)) {
            Tensor hidden = engine.scoped(() -> recompute ? student.hiddenRecomputed(ids) : student.hidden(ids));
            Tensor loss = target.loss(student.head(hidden), Optional.of(labels));
            Map<String, Tensor> gradients = NamedGradients.of(tape, loss, trained, engine.currentScope(), receiver);
            return new Result(List.of(loss.detach()), gradients);
        }
    }
}
