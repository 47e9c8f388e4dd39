package org.mohawk4j.train.stage;

import java.util.Optional;
import java.util.function.ObjIntConsumer;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.tensor.Tensor;

/** A teacher's whole distributions, of which the hidden states before the head are kept: logits exist in chunks alone. */
record FullDistribution(CausalLm teacher, TeacherStates states) implements TeacherDistribution {
    @Override
    public Target target(Tensor ids, Weights weights, Optional<ObjIntConsumer<Tensor>> observer) {
        Tensor hidden = teacher.engine().scoped(() -> hidden(ids, observer));
        return (student, labels) -> DistillationFunction.apply(teacher.head(hidden), student, labels, weights);
    }

    /**
     * The teacher's hidden states after the final norm, [B,T,D]. The norm is applied to what was kept of the last state,
     * so that they are the same to the last bit whether states were computed or read.
     *
     * @param observer is shown all states
     */
    Tensor hidden(Tensor ids, Optional<ObjIntConsumer<Tensor>> observer) {
        int last = teacher.blocks().size();
        try (TeacherStates.Batch batch = states.batch(ids, observer.isPresent())) {
            if (batch.isReplayed()) {
                observer.ifPresent(wants -> {
                    for (int i = 0; i < last; i++) {
                        wants.accept(replayed(batch, i), i);
                    }
                });
                Tensor h = replayed(batch, last);
                observer.ifPresent(wants -> wants.accept(h, last));
                return teacher.finalNorm(h);
            }
            Tensor[] hidden = new Tensor[1];
            teacher.hidden(ids, (h, index) -> {
                Tensor kept = batch.state(index, () -> h);
                observer.ifPresent(wants -> wants.accept(kept, index));
                if (index == last) {
                    hidden[0] = teacher.finalNorm(kept);
                }
            });
            batch.complete();
            return hidden[0];
        }
    }

    private static Tensor replayed(TeacherStates.Batch batch, int index) {
        return batch.state(index, () -> {
            throw new IllegalStateException("a state that is replayed is not computed");
        });
    }
}
