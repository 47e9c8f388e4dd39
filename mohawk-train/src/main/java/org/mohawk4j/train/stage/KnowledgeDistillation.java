package org.mohawk4j.train.stage;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ObjIntConsumer;
import java.util.function.Predicate;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/**
 * Stage 3: cross-entropy between the teacher's and the student's token distributions (MOHAWK, section 4.3), and, which is this
 * project's, a {@link HiddenStateLoss} beside it. Losses that it returns are the cross-entropy alone; gradients are of both.
 */
public final class KnowledgeDistillation implements Objective {
    private final CausalLm teacher;
    private final CausalLm student;
    private final TeacherDistribution distribution;
    private final DistillationFunction.Weights weights;
    private final double hiddenStateWeight;
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
        this(
                teacher,
                student,
                TeacherDistribution.whole(teacher, TeacherStates.UNCACHED),
                weights,
                0,
                recompute,
                trains);
    }

    /**
     * @param distribution the teacher's
     * @param hiddenStateWeight of the hidden-state loss; 0: none. Top-k distributions allow no other
     * @param recompute whether the student's blocks compute their activations again in the backward pass instead of
     *     storing them
     * @param trains which of the student's parameters, by name
     */
    public KnowledgeDistillation(
            CausalLm teacher,
            CausalLm student,
            TeacherDistribution distribution,
            DistillationFunction.Weights weights,
            double hiddenStateWeight,
            boolean recompute,
            Predicate<String> trains) {
        this.teacher = teacher;
        this.student = student;
        this.distribution = distribution;
        this.weights = weights;
        this.hiddenStateWeight = hiddenStateWeight;
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
        Optional<HiddenStateLoss> states = hiddenStateWeight == 0
                ? Optional.empty()
                : Optional.of(
                        new HiddenStateLoss(hiddenStateWeight, student.blocks().size(), engine.currentScope()));
        TeacherDistribution.Target target =
                distribution.target(ids, weights, states.map(compared -> compared::addTeacher));
        try (Tape tape = NamedGradients.tape(trained)) {
            ObjIntConsumer<Tensor> observer = (h, index) -> states.ifPresent(compared -> compared.addStudent(h, index));
            Tensor hidden = engine.scoped(
                    () -> recompute ? student.hiddenRecomputed(ids, observer) : student.hidden(ids, observer));
            Tensor loss = target.loss(student.head(hidden), Optional.of(labels));
            Tensor sum = states.map(compared -> compared.addTo(loss)).orElse(loss);
            Map<String, Tensor> gradients = NamedGradients.of(tape, sum, trained, engine.currentScope(), receiver);
            return new Result(List.of(loss.detach()), gradients);
        }
    }
}
