package org.mohawk4j.train.stage;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.mohawk4j.functional.DistillationFunction;
import org.mohawk4j.layer.Module;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/** Stage 3: cross-entropy between the teacher's and the student's token distributions (MOHAWK, section 4.3). */
public final class KnowledgeDistillation implements Objective {
    private final CausalLm teacher;
    private final CausalLm student;
    private final TeacherStates states;
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
        this(teacher, student, TeacherStates.COMPUTED, weights, recompute, trains);
    }

    /**
     * @param states the teacher's
     * @param recompute whether the student's blocks compute their activations again in the backward pass instead of
     *     storing them
     * @param trains which of the student's parameters, by name
     */
    public KnowledgeDistillation(
            CausalLm teacher,
            CausalLm student,
            TeacherStates states,
            DistillationFunction.Weights weights,
            boolean recompute,
            Predicate<String> trains) {
        this.teacher = teacher;
        this.student = student;
        this.states = states;
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
        return FORWARD_FLOPS * Module.sizeOf(teacher.parameters()) + TRAINING_FLOPS * Module.sizeOf(trained);
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels) {
        Engine engine = student.engine();
        Tensor target = engine.scoped(() -> teacherHidden(ids));
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        try (Tape tape =
                engine.tape(trained.values().stream().map(Parameter::value).toList())) {
            Tensor hidden = engine.scoped(() -> recompute ? student.hiddenRecomputed(ids) : student.hidden(ids));
            Tensor loss = DistillationFunction.apply(
                    teacher.head(target), student.head(hidden), Optional.of(labels), weights);
            Gradients found = tape.gradients(loss);
            trained.forEach((name, parameter) ->
                    found.of(parameter.value()).ifPresent(gradient -> gradients.put(name, gradient)));
            return new Result(List.of(loss.detach()), gradients);
        }
    }

    /** The teacher's hidden states after the final norm. */
    private Tensor teacherHidden(Tensor ids) {
        try (TeacherStates.Batch batch = states.batch(ids, false)) {
            if (batch.isReplayed()) {
                return teacher.normalise(batch.state(teacher.blocks().size(), () -> {
                    throw new IllegalStateException("a state that is replayed is not computed");
                }));
            }
            Tensor hidden = teacher.hidden(ids, (h, index) -> batch.state(index, () -> h));
            batch.complete();
            return hidden;
        }
    }
}
