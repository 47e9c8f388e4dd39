package org.mohawk4j.train.loop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.stage.Objective;

/**
 * Gradient accumulation: losses and gradients of a batch from equal parts of it, one after the other, in the memory of
 * one part. Both are means over a batch's windows, so those of the batch are the means of those of its parts.
 */
final class GradientAccumulation {
    private final Engine engine;
    private final int parts;

    /** @param parts that a batch is taken in, a divisor of B */
    GradientAccumulation(Engine engine, int parts) {
        this.engine = engine;
        this.parts = parts;
    }

    /** @param gradients by parameter name, in the scope that was innermost */
    record Evaluation(List<Double> losses, Map<String, Tensor> gradients) {}

    /**
     * Evaluates an objective on a batch.
     *
     * @param giveUp asked between two parts
     * @return empty if it was given up
     */
    Optional<Evaluation> evaluate(Objective objective, TokenBatch batch, BooleanSupplier giveUp) {
        if (batch.batch() % parts != 0) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.batch() + " windows has no " + parts + " equal parts");
        }
        if (parts == 1) {
            Objective.Result result = evaluate(objective, batch, 0);
            return Optional.of(new Evaluation(items(result), result.gradients()));
        }
        double[] losses = {};
        Map<String, Tensor> sums = new LinkedHashMap<>();
        Scope results = engine.currentScope();
        for (int part = 0; part < parts; part++) {
            if (part > 0 && giveUp.getAsBoolean()) {
                return Optional.empty();
            }
            try (Scope scope = engine.scope()) {
                Objective.Result result = evaluate(objective, batch, part);
                List<Double> own = items(result);
                losses = part == 0 ? new double[own.size()] : losses;
                for (int i = 0; i < losses.length; i++) {
                    losses[i] += own.get(i) / parts;
                }
                result.gradients().forEach((name, gradient) -> add(sums, name, gradient, results));
            }
        }
        return Optional.of(new Evaluation(Arrays.stream(losses).boxed().toList(), sums));
    }

    private Objective.Result evaluate(Objective objective, TokenBatch batch, int part) {
        int windows = batch.batch() / parts;
        int tokens = windows * batch.context();
        int[] inputs = part(batch.inputs(), part * tokens, tokens);
        int[] targets = part(batch.targets(), part * tokens, tokens);
        Tensor ids = engine.indices(inputs, windows, batch.context());
        return objective.evaluate(ids, engine.indices(targets, tokens));
    }

    private static int[] part(int[] all, int from, int length) {
        return length == all.length ? all : Arrays.copyOfRange(all, from, from + length);
    }

    private static List<Double> items(Objective.Result result) {
        List<Double> items = new ArrayList<>();
        result.losses().forEach(loss -> items.add(loss.item()));
        return items;
    }

    /** Gradients may share memory with each other, so the sums are arrays of their own. */
    private void add(Map<String, Tensor> sums, String name, Tensor gradient, Scope results) {
        double share = 1.0 / parts;
        Tensor sum = sums.get(name);
        if (sum == null) {
            sums.put(name, results.adopt(gradient.mul(share)));
        } else {
            engine.backend().elementwise().accumulate(sum.array(), gradient.array(), share);
        }
    }
}
