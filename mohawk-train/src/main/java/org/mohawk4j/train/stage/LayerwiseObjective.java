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
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/**
 * Aligns each of the student's layers with the teacher's on the teacher's own input. The teacher runs block by block and
 * each student layer is evaluated and differentiated on the spot, so memory is that of one layer.
 */
public abstract class LayerwiseObjective implements Objective {
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

    /**
     * Some layers of this objective alone.
     *
     * @param range with a layer to train
     * @param from the teacher's states of these layers: their first input, and the output of each
     */
    public final Objective ofLayers(LayerRange range, TeacherStates from) {
        return new SomeLayers(this, range, from);
    }

    public final CausalLm teacher() {
        return teacher;
    }

    @Override
    public Map<String, Parameter> trained() {
        return trained(new LayerRange(0, trained.size()));
    }

    /** All of the student's parameters in some layers. */
    public final List<Parameter> parameters(LayerRange range) {
        return student.blocks().subList(range.first(), range.end()).stream()
                .flatMap(block -> block.parameters().values().stream())
                .toList();
    }

    /** What it trains of some layers. */
    final Map<String, Parameter> trained(LayerRange range) {
        Map<String, Parameter> all = new LinkedHashMap<>();
        trained.subList(range.first(), range.end()).forEach(all::putAll);
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
        return flopsPerLayer().stream().mapToDouble(Double::doubleValue).sum();
    }

    /** {@link #flopsPerToken} of each layer, the teacher's included. */
    public final List<Double> flopsPerLayer() {
        return IntStream.range(0, trained.size())
                .mapToObj(layer ->
                        FORWARD_FLOPS * Layer.sizeOf(teacher.blocks().get(layer).parameters())
                                + TRAINING_FLOPS * Layer.sizeOf(trained.get(layer)))
                .toList();
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels) {
        return evaluate(ids, labels, Receiver.NOBODY);
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels, Receiver receiver) {
        return run(ids, receiver, states, new LayerRange(0, trained.size()));
    }

    @Override
    public List<Tensor> losses(Tensor ids, Tensor labels) {
        return run(ids, null, states, new LayerRange(0, trained.size())).losses();
    }

    /** Losses of some layers. Differentiates if somebody receives the gradients. */
    final Result run(Tensor ids, @Nullable Receiver receiver, TeacherStates from, LayerRange range) {
        Engine engine = student.engine();
        Result result = new Result(new ArrayList<>(), new LinkedHashMap<>());
        Scope results = engine.currentScope();
        try (TeacherStates.Batch batch = from.batch(ids, true)) {
            Tensor h = batch.state(range.first(), () -> teacher.embed(ids));
            for (int i = range.first(); i < range.end(); i++) {
                Tensor input = h;
                int layer = i;
                h = engine.scoped(() -> {
                    TeacherPass pass = new TeacherPass(teacher.blocks().get(layer), input, batch, layer + 1);
                    if (trained.get(layer).isEmpty()) {
                        return pass.output();
                    }
                    if (receiver == null) {
                        result.losses()
                                .add(results.adopt(loss(pass, student.blocks().get(layer))));
                    } else {
                        align(pass, layer, results, result, receiver);
                    }
                    return pass.output();
                });
                results.free(input);
            }
            batch.complete();
        }
        return result;
    }

    /** Adds a layer's loss and gradients to a result. */
    private void align(TeacherPass pass, int index, Scope results, Result result, Receiver receiver) {
        Map<String, Parameter> parameters = trained.get(index);
        try (Tape tape = NamedGradients.tape(parameters)) {
            Tensor loss = loss(pass, student.blocks().get(index));
            result.losses().add(results.adopt(loss.detach()));
            result.gradients().putAll(NamedGradients.of(tape, loss, parameters, results, receiver));
        }
    }
}
