package org.mohawk4j.train.stage;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/**
 * Aligns each of the student's layers with the teacher's on the teacher's own input. The teacher runs block by block and
 * each student layer is evaluated and differentiated on the spot, so memory is that of one layer.
 */
abstract class LayerwiseObjective implements Objective {
    private final CausalLm teacher;
    private final CausalLm student;
    private final TeacherStates states;
    private final List<Map<String, Parameter>> trained = new ArrayList<>();

    /**
     * @param states the teacher's
     * @param aligned which layers
     * @param trains which of their parameters, by full name
     */
    LayerwiseObjective(
            CausalLm teacher, CausalLm student, TeacherStates states, IntPredicate aligned, Predicate<String> trains) {
        this.teacher = teacher;
        this.student = student;
        this.states = states;
        for (int i = 0; i < student.blocks().size(); i++) {
            Map<String, Parameter> ofLayer = new LinkedHashMap<>();
            if (aligned.test(i)) {
                String prefix = "layers." + i + ".";
                student.blocks().get(i).parameters().forEach((name, parameter) -> {
                    if (trains.test(prefix + name)) {
                        ofLayer.put(prefix + name, parameter);
                    }
                });
            }
            trained.add(ofLayer);
        }
    }

    /** The loss of one layer, rank 0. */
    abstract Tensor loss(TeacherPass teacher, Block student);

    @Override
    public Map<String, Parameter> trained() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        trained.forEach(all::putAll);
        return all;
    }

    @Override
    public List<Integer> layers() {
        return IntStream.range(0, trained.size())
                .filter(layer -> !trained.get(layer).isEmpty())
                .boxed()
                .toList();
    }

    @Override
    public double flopsPerToken() {
        long run = teacher.blocks().stream()
                .mapToLong(block -> Layer.sizeOf(block.parameters()))
                .sum();
        return FORWARD_FLOPS * run + TRAINING_FLOPS * Layer.sizeOf(trained());
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels) {
        return evaluate(ids, true);
    }

    @Override
    public List<Tensor> losses(Tensor ids, Tensor labels) {
        return evaluate(ids, false).losses();
    }

    private Result evaluate(Tensor ids, boolean differentiates) {
        Engine engine = student.engine();
        List<Tensor> losses = new ArrayList<>();
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        Scope results = engine.currentScope();
        try (TeacherStates.Batch batch = states.batch(ids, true)) {
            Tensor h = batch.state(0, () -> teacher.embed(ids));
            for (int i = 0; i < trained.size(); i++) {
                Tensor input = h;
                int layer = i;
                h = engine.scoped(() -> layer(layer, input, batch, results, losses, differentiates ? gradients : null));
                results.free(input);
            }
            batch.complete();
        }
        return new Result(losses, gradients);
    }

    /** Aligns one layer, differentiated unless no gradients are wanted, and gives the teacher's output. */
    private Tensor layer(
            int index,
            Tensor h,
            TeacherStates.Batch batch,
            Scope results,
            List<Tensor> losses,
            @Nullable Map<String, Tensor> gradients) {
        TeacherPass pass = new TeacherPass(teacher.blocks().get(index), h, batch, index + 1);
        Map<String, Parameter> parameters = trained.get(index);
        if (parameters.isEmpty()) {
            return pass.output();
        }
        if (gradients == null) {
            losses.add(results.adopt(loss(pass, student.blocks().get(index))));
        } else {
            align(pass, index, parameters, results, losses, gradients);
        }
        return pass.output();
    }

    private void align(
            TeacherPass pass,
            int index,
            Map<String, Parameter> parameters,
            Scope results,
            List<Tensor> losses,
            Map<String, Tensor> gradients) {
        Engine engine = student.engine();
        try (Tape tape =
                engine.tape(parameters.values().stream().map(Parameter::value).toList())) {
            Tensor loss = loss(pass, student.blocks().get(index));
            losses.add(results.adopt(loss.detach()));
            Gradients found = tape.gradients(loss);
            parameters.forEach((name, parameter) ->
                    found.of(parameter.value()).ifPresent(gradient -> gradients.put(name, results.adopt(gradient))));
        }
    }
}
