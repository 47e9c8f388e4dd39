package org.mohawk4j.op.loss;

import java.util.Optional;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;

/**
 * Some rows of {@link TopKDistillationFunction}: their part of the loss, and its gradient by their logits, written down
 * instead of recorded: that takes fewer passes over the logits.
 */
final class TopKDistillationChunk {
    /** What is added to a logit so that nothing is left of it; infinity would leave infinity times 0 where r is 0. */
    static final double NOTHING = -1e30;

    private final Engine engine;
    private final Tensor logits;
    private final Tensor places;
    private final Tensor probabilities;
    private final Tensor rest;
    private final Optional<Tensor> labelPlaces;
    private final double sharpness;
    private final double soft;
    private final double hard;
    private final Exponentials all;
    private final Exponentials others;
    private final Optional<Exponentials> plain;

    /**
     * @param logits of the student, [R,V]
     * @param labels int32 [R], the true next tokens; needed if the hard-label share is not zero
     * @param rows over which the whole loss is a mean
     */
    TopKDistillationChunk(TopKLogits teacher, Tensor logits, Optional<HostTensor> labels, Weights weights, long rows) {
        this.engine = logits.engine();
        this.logits = logits;
        this.sharpness = 1 / weights.temperature();
        this.soft = (1 - weights.hardLabelShare()) / rows;
        this.hard = weights.hardLabelShare() / rows;
        this.places = places(teacher.ids(), teacher.k());
        this.labelPlaces = labels.filter(ids -> hard > 0).map(ids -> places(ids, 1));
        this.probabilities = engine.tensor(teacher.probabilities(), logits.dtype());
        this.rest = engine.tensor(teacher.rest(), logits.dtype()).reshape(-1, 1);
        Tensor scaled = scaled();
        this.all = exponentials(scaled);
        this.others = exponentials(withoutKept(scaled));
        this.plain = hard == 0 ? Optional.empty() : Optional.of(sharpness == 1 ? all : exponentials(logits));
    }

    private Tensor scaled() {
        return sharpness == 1 ? logits : logits.mul(sharpness);
    }

    /**
     * Where tokens stand among all logits.
     *
     * @param ids some for each row
     * @return int32 [R,some]
     */
    private Tensor places(HostTensor ids, int some) {
        return engine.indices(TopKLogits.places(ids, some, logits.dim(1)), logits.dim(0), some);
    }

    /** @return a number for each place, the shape of {@code places} */
    private Tensor gather(Tensor x, Tensor where) {
        return engine.wrap(engine.backend().layout().gatherRows(x.reshape(-1, 1).array(), where.array()))
                .reshape(where.shape().toArray());
    }

    /** Numbers at their places, zeros elsewhere, [R,V]. */
    private Tensor scatter(Tensor numbers, Tensor where) {
        Tensor rows = numbers.reshape(where.dim(0), where.dim(1), 1);
        long size = logits.shape().size();
        return engine.wrap(engine.backend().layout().scatterAddRows(rows.array(), where.array(), size))
                .reshape(logits.shape().toArray());
    }

    private Tensor withoutKept(Tensor scaled) {
        Tensor masked = scatter(engine.full(NOTHING, places.dim(0), places.dim(1)), places);
        add(masked, scaled);
        return masked;
    }

    private void add(Tensor target, Tensor x) {
        engine.backend().elementwise().accumulate(target.array(), x.array(), 1);
    }

    /**
     * A softmax in parts.
     *
     * @param values exp(x - max x), [R,V]
     * @param sums of them, [R,1]
     * @param logSums log sum exp x, [R,1]
     */
    private record Exponentials(Tensor values, Tensor sums, Tensor logSums) {}

    private Exponentials exponentials(Tensor x) {
        Tensor largest = x.max(-1, true);
        Tensor values = engine.scoped(() -> x.sub(largest).exp());
        Tensor sums = values.sum(-1, true);
        return new Exponentials(values, sums, sums.log().add(largest));
    }

    /** Its part of the mean, rank 0. */
    Tensor loss() {
        Tensor kept = gather(scaled(), places);
        Tensor ofKept = probabilities.mul(all.logSums().sub(kept)).sum(-1, true);
        Tensor ofOthers = rest.mul(all.logSums().sub(others.logSums()));
        Tensor loss = ofKept.add(ofOthers).sum().mul(soft);
        if (plain.isEmpty()) {
            return loss;
        }
        Tensor right = gather(logits, labelPlaces.orElseThrow());
        return loss.add(plain.get().logSums().sub(right).sum().mul(hard));
    }

    /** Of its part of the mean, [R,V]. */
    Tensor gradient() {
        double share = soft * sharpness;
        Tensor mass = probabilities.sum(-1, true).add(rest);
        Tensor gradient = all.values().mul(mass.mul(share).div(all.sums()));
        add(gradient, engine.scoped(() -> others.values().mul(rest.mul(-share).div(others.sums()))));
        add(gradient, scatter(probabilities.mul(-share), places));
        plain.ifPresent(exponentials -> {
            add(
                    gradient,
                    exponentials.values().mul(exponentials.sums().fullLike(hard).div(exponentials.sums())));
            Tensor where = labelPlaces.orElseThrow();
            add(gradient, scatter(engine.full(-hard, where.dim(0), 1), where));
        });
        return gradient;
    }
}
