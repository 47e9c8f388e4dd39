package org.mohawk4j.train.stage;

import java.util.Optional;
import java.util.function.ObjIntConsumer;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.TopKDistillationFunction;
import org.mohawk4j.op.loss.TopKFunction;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** The k likeliest tokens of a teacher's distributions. The loss is the same whether they were there or are computed. */
record TopKDistribution(FullDistribution whole, TeacherTopK tokens, int k) implements TeacherDistribution {
    @Override
    public Target target(Tensor ids, Weights weights, Optional<ObjIntConsumer<Tensor>> observer) {
        if (observer.isPresent()) {
            throw new IllegalArgumentException("top-k distributions have no hidden states");
        }
        TopKLogits top = tokens.of(ids, () -> compute(ids, weights.temperature()));
        return (student, labels) -> TopKDistillationFunction.apply(top, student, labels, weights);
    }

    private TopKLogits compute(Tensor ids, double temperature) {
        CausalLm teacher = whole.teacher();
        try (Scope scope = teacher.engine().scope()) {
            return TopKFunction.of(teacher.head(whole.hidden(ids, Optional.empty())), temperature, k);
        }
    }
}
