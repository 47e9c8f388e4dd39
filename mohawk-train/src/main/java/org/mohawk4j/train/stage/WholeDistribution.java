package org.mohawk4j.train.stage;

import java.util.List;
import org.mohawk4j.functional.DistillationFunction;
import org.mohawk4j.functional.DistillationFunction.Weights;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** A teacher's whole distributions, of which the hidden states before the head are kept: logits exist in chunks alone. */
record WholeDistribution(CausalLm teacher, TeacherStates states) implements TeacherDistribution {
    @Override
    public Target target(Tensor ids, Weights weights) {
        Tensor hidden = teacher.engine().scoped(() -> hidden(ids));
        return (student, labels) -> DistillationFunction.apply(teacher.head(hidden), student, labels, weights);
    }

    /** The teacher's hidden states after the final norm, [B,T,D]. */
    Tensor hidden(Tensor ids) {
        Engine engine = teacher.engine();
        List<Block> blocks = teacher.blocks();
        try (TeacherStates.Batch batch = states.batch(ids, false)) {
            if (batch.isReplayed()) {
                return teacher.normalise(batch.state(blocks.size(), () -> {
                    throw new IllegalStateException("a state that is replayed is not computed");
                }));
            }
            Tensor h = batch.state(0, () -> teacher.embed(ids));
            for (int i = 0; i < blocks.size(); i++) {
                Tensor input = h;
                int layer = i;
                h = engine.scoped(
                        () -> batch.state(layer + 1, () -> blocks.get(layer).forward(input)));
                engine.currentScope().free(input);
            }
            batch.complete();
            return teacher.normalise(h);
        }
    }
}
