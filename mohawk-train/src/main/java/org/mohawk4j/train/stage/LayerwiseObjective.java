package org.mohawk4j.train.stage;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.mohawk4j.layer.Module;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
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
    private final List<Map<String, Parameter>> trained = new ArrayList<>();

    /**
     * @param aligned which layers
     * @param trains which of their parameters, by full name
     */
    LayerwiseObjective(CausalLm teacher, CausalLm student, IntPredicate aligned, Predicate<String> trains) {
        this.teacher = teacher;
        this.student = student;
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

    /** What the teacher's block computed on its input h. */
    record TeacherPass(Tensor h, MixingMatrix matrix, Tensor mixed, Tensor output) {}

    /** The loss of one layer, rank 0. */
    abstract Tensor loss(TeacherPass teacher, Block student);

    @Override
    public Map<String, Parameter> trained() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        trained.forEach(all::putAll);
        return all;
    }

    @Override
    public double flopsPerToken() {
        long run = teacher.blocks().stream()
                .mapToLong(block -> Module.sizeOf(block.parameters()))
                .sum();
        return FORWARD_FLOPS * run + TRAINING_FLOPS * Module.sizeOf(trained());
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels) {
        Engine engine = student.engine();
        List<Tensor> losses = new ArrayList<>();
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        Scope results = engine.currentScope();
        Tensor h = teacher.embed(ids);
        for (int i = 0; i < trained.size(); i++) {
            Tensor input = h;
            int layer = i;
            h = engine.scoped(() -> layer(layer, input, results, losses, gradients));
            results.free(input);
        }
        return new Result(losses, gradients);
    }

    /** Aligns one layer and gives the teacher's output. */
    private Tensor layer(int index, Tensor h, Scope results, List<Tensor> losses, Map<String, Tensor> gradients) {
        Block block = teacher.blocks().get(index);
        Tensor u = block.mixerInput(h);
        MixingMatrix matrix = block.mixer().matrix(u);
        Tensor mixed = block.mixer().forward(u, matrix);
        Tensor output = block.combine(h, u, mixed);
        Map<String, Parameter> parameters = trained.get(index);
        if (!parameters.isEmpty()) {
            align(new TeacherPass(h, matrix, mixed, output), index, parameters, results, losses, gradients);
        }
        return output;
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
