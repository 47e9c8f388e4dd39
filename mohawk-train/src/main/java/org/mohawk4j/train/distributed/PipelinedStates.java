package org.mohawk4j.train.distributed;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.stage.LayerRange;
import org.mohawk4j.train.stage.TeacherStates;

/**
 * The teacher's states of one rank's layers, from those that the rank before has computed. A rank that others wait for
 * computes all of them first, and keeps them until the student's layers are aligned.
 */
final class PipelinedStates implements TeacherStates {
    private final CausalLm teacher;
    private final LayerRange layers;
    private final HiddenStatePipeline pipeline;

    PipelinedStates(CausalLm teacher, LayerRange layers, HiddenStatePipeline pipeline) {
        this.teacher = teacher;
        this.layers = layers;
        this.pipeline = pipeline;
    }

    @Override
    public Batch batch(Tensor ids, boolean all) {
        Engine engine = teacher.engine();
        Shape shape = Shape.of(ids.dim(0), ids.dim(1), teacher.config().width());
        List<Tensor> states = new ArrayList<>();
        states.add(pipeline.next(shape, () -> teacher.embed(ids)));
        if (pipeline.hasNext()) {
            for (int i = layers.first(); i < layers.end(); i++) {
                int layer = i;
                Tensor input = states.get(states.size() - 1);
                states.add(engine.scoped(() -> teacher.blocks().get(layer).forward(input)));
            }
            pipeline.send(states.get(states.size() - 1));
        }
        return new OfLayers(states);
    }

    private final class OfLayers implements Batch {
        /** The first of the states, or all of them. */
        private final List<Tensor> known;

        /** @param known the first of the states, or all of them */
        OfLayers(List<Tensor> known) {
            this.known = known;
        }

        @Override
        public boolean isReplayed() {
            return pipeline.hasNext();
        }

        @Override
        public Tensor state(int index, Supplier<Tensor> compute) {
            int own = index - layers.first();
            return own < known.size() ? known.get(own) : compute.get();
        }
    }
}
