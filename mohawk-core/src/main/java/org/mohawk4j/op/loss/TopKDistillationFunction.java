package org.mohawk4j.op.loss;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;

/**
 * The loss of stage 3 where of the teacher's distribution p only the K likeliest tokens are known, and what all others have
 * together, r: cross-entropy over K + 1 outcomes, the last of which is that it is none of the K,
 *
 * <pre>{@code mean over rows of -sum_k p_k log q_k - r log(sum of q over the others)}</pre>
 *
 * with q = softmax(student/τ), and an optional share of the cross-entropy with the true tokens. Its gradient by the
 * student's logits is that of {@link DistillationFunction} for a teacher that spreads r over the others as the student
 * does: they are pulled up or down together, and not against each other. With K = V it is {@link DistillationFunction}.
 *
 * <p>{@code docs/stages.md} says where the rule comes from and what is lost.
 */
public final class TopKDistillationFunction {
    /** Beyond a processor's cache everything slows down. */
    private static final long LOGITS_AT_ONCE = 1 << 19;

    private TopKDistillationFunction() {}

    /**
     * The loss, some rows at a time: logits of all of them never exist at once.
     *
     * @param teacher of softmax(teacher/τ)
     * @param labels int32 [R], the true next tokens; needed if the hard-label share is not zero
     * @return rank 0
     */
    public static Tensor apply(TopKLogits teacher, LmHead student, Optional<Tensor> labels, Weights weights) {
        long vocabulary = student.weight().dim(0);
        // each chunk adds its gradient to the head's, [V,D]: with half as many rows that costs less than their logits
        long rows = Math.max(LOGITS_AT_ONCE / vocabulary, student.weight().dim(1) / 2);
        long countable = Math.min(rows, Integer.MAX_VALUE / vocabulary);
        return apply(teacher, student, labels, weights, Math.max(1, countable));
    }

    /** @param chunk rows at a time; as many logits of one chunk as an int can count */
    public static Tensor apply(
            TopKLogits teacher, LmHead student, Optional<Tensor> labels, Weights weights, long chunk) {
        requireRows(teacher, student);
        DistillationFunction.requireLabels(labels, weights);
        Engine engine = student.hidden().engine();
        Optional<HostTensor> ids =
                labels.filter(all -> weights.hardLabelShare() > 0).map(Tensor::toHost);
        Sums sums = new Sums(student);
        Tensor loss = engine.unrecorded(() -> {
            long rows = teacher.rows();
            Tensor total = engine.zeros();
            for (long from = 0; from < rows; from += chunk) {
                long count = Math.min(chunk, rows - from);
                long first = from;
                try (Scope scope = engine.scope()) {
                    Tensor own = sums.add(
                            student.rows(from, count),
                            from,
                            logits -> new TopKDistillationChunk(
                                    teacher.rows(first, count),
                                    logits,
                                    ids.map(all -> TopKLogits.rows(all, first, count)),
                                    weights,
                                    rows));
                    engine.backend().elementwise().accumulate(total.array(), own.array(), 1);
                }
            }
            return total;
        });
        return DistillationFunction.record(loss, student, sums.hidden, sums.weight, sums.bias);
    }

    /** The gradients by the student's hidden states and head, growing from chunk to chunk. */
    private static final class Sums {
        private final Engine engine;
        private final Optional<Tensor> hidden;
        private final Optional<Tensor> weight;
        private final Optional<Tensor> bias;

        Sums(LmHead student) {
            engine = student.hidden().engine();
            hidden = place(Optional.of(student.hidden()));
            weight = place(Optional.of(student.weight()));
            bias = place(student.bias());
        }

        private Optional<Tensor> place(Optional<Tensor> input) {
            return input.filter(engine::isTracked).map(like -> like.fullLike(0));
        }

        /**
         * Takes some rows. Their logits are recorded, so that they and the gradients see the same bits of the weight.
         *
         * @param from the first of them
         * @param chunk of their logits
         * @return their part of the loss
         */
        Tensor add(LmHead part, long from, Function<Tensor, TopKDistillationChunk> chunk) {
            List<Tensor> watched = Stream.of(
                            hidden.map(all -> part.hidden()),
                            weight.map(all -> part.weight()),
                            bias.flatMap(all -> part.bias()))
                    .flatMap(Optional::stream)
                    .toList();
            try (Tape tape = engine.tape(watched)) {
                Tensor logits = part.logits();
                TopKDistillationChunk own = chunk.apply(logits.detach());
                Tensor loss = own.loss();
                if (!watched.isEmpty()) {
                    Gradients gradients = tape.gradients(logits, own.gradient());
                    gradients
                            .of(part.hidden())
                            .ifPresent(g -> engine.backend()
                                    .memory()
                                    .copyInto(hidden.orElseThrow().array(), 0, from, g.array()));
                    gradients.of(part.weight()).ifPresent(g -> add(weight.orElseThrow(), g));
                    part.bias().flatMap(gradients::of).ifPresent(g -> add(bias.orElseThrow(), g));
                }
                return loss;
            }
        }

        private void add(Tensor all, Tensor part) {
            engine.backend().elementwise().accumulate(all.array(), part.array(), 1);
        }
    }

    public static Tensor reference(TopKLogits teacher, LmHead student, Optional<Tensor> labels, Weights weights) {
        requireRows(teacher, student);
        Engine engine = student.hidden().engine();
        Tensor logits = student.logits();
        Tensor scaled = logits.mul(1 / weights.temperature());
        Tensor places = places(engine, teacher, logits.dim(1));
        Tensor kept = EmbeddingFunction.apply(scaled.reshape(-1, 1), places)
                .reshape(teacher.ids().shape().toArray());
        Tensor withoutKept = scaled.add(mask(places, logits));
        Tensor probabilities = engine.tensor(teacher.probabilities(), engine.parameterType());
        Tensor rest = engine.tensor(teacher.rest(), engine.parameterType()).reshape(-1, 1);
        Tensor all = CrossEntropyFunction.logSumExp(scaled);
        Tensor ofKept = probabilities.mul(all.sub(kept)).sum(-1, true);
        Tensor ofOthers = rest.mul(all.sub(CrossEntropyFunction.logSumExp(withoutKept)));
        return DistillationFunction.withHardLabels(ofKept.add(ofOthers).mean(), logits, student, labels, weights);
    }

    /** Where the kept tokens stand among all logits, int32 [R,K]. */
    private static Tensor places(Engine engine, TopKLogits teacher, long vocabulary) {
        return engine.indices(
                TopKLogits.places(teacher.ids(), teacher.k(), vocabulary),
                teacher.ids().shape().toArray());
    }

    /** {@link TopKDistillationChunk#NOTHING} where a token is kept, else 0; [R,V]. */
    private static Tensor mask(Tensor places, Tensor logits) {
        Engine engine = logits.engine();
        Tensor marks = engine.full(TopKDistillationChunk.NOTHING, places.dim(0), places.dim(1), 1);
        return engine.wrap(engine.backend()
                        .layout()
                        .scatterAddRows(
                                marks.array(), places.array(), logits.shape().size()))
                .reshape(logits.shape().toArray());
    }

    private static void requireRows(TopKLogits teacher, LmHead student) {
        if (teacher.rows() != student.hidden().dim(0)) {
            throw new IllegalArgumentException("distillation of " + teacher.rows() + " rows into hidden states "
                    + student.hidden().shape() + ": rows differ");
        }
    }
}
