package org.mohawk4j.train.stage;

import org.mohawk4j.functional.DistillationFunction.Weights;
import org.mohawk4j.functional.TopDistillationFunction;
import org.mohawk4j.functional.TopTokens;
import org.mohawk4j.functional.TopTokensFunction;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** The k likeliest tokens of a teacher's distributions. The loss is the same whether they were there or are computed. */
record TopDistribution(WholeDistribution whole, TeacherTokens tokens, int k) implements TeacherDistribution {
    @Override
    public Target target(Tensor ids, Weights weights) {
        TopTokens top = tokens.of(ids, () -> compute(ids, weights.temperature()));
        return (student, labels) -> TopDistillationFunction.apply(top, student, labels, weights);
    }

    private TopTokens compute(Tensor ids, double temperature) {
        CausalLm teacher = whole.teacher();
        try (Scope scope = teacher.engine().scope()) {
            return TopTokensFunction.of(teacher.head(whole.hidden(ids)), temperature, k);
        }
    }
}
