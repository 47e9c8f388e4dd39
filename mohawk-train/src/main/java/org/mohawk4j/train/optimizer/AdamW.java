package org.mohawk4j.train.optimizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.functional.AdamWFunction;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * AdamW with decoupled weight decay on matrices (parameters of rank 2 or more), and clipping by global norm. A parameter
 * without a gradient is left alone.
 */
public final class AdamW implements Optimizer {
    private static final int MATRIX_RANK = 2;

    /**
     * @param clipNorm the global gradient norm above which gradients are scaled down to it; 0: no clipping
     */
    public record Config(double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {}

    private final Engine engine;
    private final Config config;
    private final Scope scope;
    private final Map<String, Moments> moments = new LinkedHashMap<>();
    private int steps;

    private record Moments(Tensor first, Tensor second) {}

    public AdamW(Engine engine, Config config) {
        this.engine = engine;
        this.config = config;
        this.scope = engine.detachedScope();
    }

    @Override
    public Tensor step(Map<String, Parameter> parameters, Map<String, Tensor> gradients, double learningRate) {
        steps++;
        try (Scope work = engine.scope()) {
            List<AdamWFunction.Slot> slots = new ArrayList<>();
            parameters.forEach((name, parameter) -> Optional.ofNullable(gradients.get(name))
                    .ifPresent(gradient -> slots.add(slot(name, parameter, gradient))));
            Tensor norm = AdamWFunction.norm(
                    engine, slots.stream().map(AdamWFunction.Slot::gradient).toList());
            Tensor scale =
                    config.clipNorm() > 0 ? AdamWFunction.clipScale(norm, config.clipNorm()) : norm.filledLike(1);
            AdamWFunction.update(
                    engine,
                    slots,
                    scale,
                    new AdamWFunction.Hyperparameters(
                            learningRate,
                            config.beta1(),
                            config.beta2(),
                            config.epsilon(),
                            config.weightDecay(),
                            steps));
            return work.keep(norm);
        }
    }

    private AdamWFunction.Slot slot(String name, Parameter parameter, Tensor gradient) {
        Moments own = moments.computeIfAbsent(
                name,
                n -> new Moments(
                        scope.adopt(parameter.value().filledLike(0)),
                        scope.adopt(parameter.value().filledLike(0))));
        return new AdamWFunction.Slot(
                parameter.value(),
                gradient,
                own.first(),
                own.second(),
                parameter.shape().rank() >= MATRIX_RANK);
    }

    /** Frees the moments. */
    @Override
    public void close() {
        scope.close();
    }
}
