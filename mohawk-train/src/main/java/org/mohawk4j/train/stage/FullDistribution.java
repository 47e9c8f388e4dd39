package org.mohawk4j.train.stage;

import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.tensor.Tensor;

/** A teacher's whole distributions, of which the hidden states before the head are kept: logits exist in chunks alone. */
record FullDistribution(CausalLm teacher, TeacherStates states) implements TeacherDistribution {
    @Override
    public Target target(Tensor ids, Weights weights) {
        Tensor hidden = teacher.engine().scoped(() -> hidden(ids));
        return (student, labels) -> DistillationFunction.apply(teacher.head(hidden), student, labels, weights);
    }

    /**
     * The teacher's hidden states after the final norm, [B,T,D]. The norm is applied to what was kept of the last state,
     * so that they are the same to the last bit whether states were computed or read.
     */
    Tensor hidden(Tensor ids) {
        int last = teacher.blocks().size();
        try (TeacherStates.Batch batch = states.batch(ids, false)) {
            if (batch.isReplayed()) {
                return teacher.finalNorm(batch.state(last, () -> {
                    throw new IllegalStateException("a state that is replayed is not computed");
                }));
            }
            Tensor[] hidden = new Tensor[1];
            teacher.hidden(ids, (h, index) -> {
                Tensor kept = batch.state(index, () -> h);
                if (index == last) {
                    hidden[0] = teacher.finalNorm(kept);
                }
            });
            batch.complete();
            return hidden[0];
        }
    }
}
