package org.mohawk4j.train.loop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.stage.Objective;

/**
 * Gradient accumulation: losses and gradients of a batch from equal parts of it, one after the other, in the memory of
 * one part. Both are means over a batch's windows, so those of the batch are the means of those of its parts. Of each
 * part a rank takes its own share.
 */
final class GradientAccumulation {
    private final Engine engine;
    private final int parts;
    private final Parallelism ranks;

    /** @param parts that a batch is taken in; B is a multiple of parts times shares */
    GradientAccumulation(Engine engine, int parts, Parallelism ranks) {
        this.engine = engine;
        this.parts = parts;
        this.ranks = ranks;
    }

    /**
     * Evaluates an objective on this rank's share of a batch, and starts to add the gradients up over the ranks, each as
     * soon as it is final.
     *
     * @param giveUp asked between two parts
     * @return empty if it was given up
     */
    Optional<Evaluation> evaluate(Objective objective, TokenBatch batch, BooleanSupplier giveUp) {
        if (batch.batch() % (parts * ranks.shares()) != 0) {
            throw new IllegalArgumentException("a batch of " + batch.batch() + " windows has no " + parts
                    + " equal parts for each of " + ranks.shares() + " ranks");
        }
        Scope results = engine.currentScope();
        Map<String, Parameter> trained = objective.trained();
        List<List<Tensor>> losses = new ArrayList<>();
        Map<String, Tensor> sums = new LinkedHashMap<>();
        Map<String, Tensor> reduced = new LinkedHashMap<>();
        for (int part = 0; part < parts; part++) {
            if (part > 0) {
                ranks.alive();
                if (giveUp.getAsBoolean()) {
                    return Optional.empty();
                }
            }
            boolean last = part == parts - 1;
            try (Scope scope = engine.scope()) {
                Objective.Result result = evaluate(objective, batch, part, (name, gradient) -> {
                    Tensor sum = parts == 1 ? results.adopt(gradient) : add(sums, name, gradient, results);
                    if (last) {
                        reduced.put(name, results.adopt(ranks.reduce(parameter(trained, name), sum)));
                    }
                });
                losses.add(result.losses().stream().map(results::adopt).toList());
            }
        }
        // of a parameter that only an earlier part depends on
        sums.forEach((name, sum) ->
                reduced.computeIfAbsent(name, n -> results.adopt(ranks.reduce(parameter(trained, name), sum))));
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        trained.keySet().stream().filter(reduced::containsKey).forEach(name -> gradients.put(name, reduced.get(name)));
        return Optional.of(new Evaluation(losses, gradients));
    }

    private Objective.Result evaluate(Objective objective, TokenBatch batch, int part, Objective.Receiver receiver) {
        int windows = batch.batch() / parts / ranks.shares();
        int tokens = windows * batch.context();
        int from = (part * ranks.shares() + ranks.share()) * tokens;
        int[] inputs = part(batch.inputs(), from, tokens);
        int[] targets = part(batch.targets(), from, tokens);
        Tensor ids = engine.indices(inputs, windows, batch.context());
        return objective.evaluate(ids, engine.indices(targets, tokens), receiver);
    }

    private static Parameter parameter(Map<String, Parameter> trained, String name) {
        return Objects.requireNonNull(trained.get(name), name);
    }

    private static int[] part(int[] all, int from, int length) {
        return length == all.length ? all : Arrays.copyOfRange(all, from, from + length);
    }

    /** Gradients may share memory with each other, so the sums are arrays of their own. */
    private Tensor add(Map<String, Tensor> sums, String name, Tensor gradient, Scope results) {
        ranks.settle();
        double share = 1.0 / parts;
        Tensor sum = sums.get(name);
        if (sum == null) {
            sum = results.adopt(gradient.mul(share));
            sums.put(name, sum);
        } else {
            engine.backend().elementwise().accumulate(sum.array(), gradient.array(), share);
        }
        return sum;
    }
}
