package org.mohawk4j.train.optimizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.mohawk4j.Arguments;
import org.mohawk4j.Records;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.Shape;

/**
 * AdamW with decoupled weight decay on matrices (parameters of rank 2 or more), and clipping by global norm. A parameter
 * without a gradient is left alone. Groups have learning rates and weight decays of their own.
 */
public final class AdamW implements Optimizer {
    /** What follows a parameter's name in that of its first moment. */
    public static final String FIRST = ".first_moment";

    /** What follows a parameter's name in that of its second moment. */
    public static final String SECOND = ".second_moment";

    /**
     * @param beta1 what the first moment keeps at each step, from 0 to below 1
     * @param beta2 what the second moment keeps, likewise
     * @param epsilon added to the root of the second moment, above 0
     * @param weightDecay times the learning rate, from 0
     * @param clipNorm the global gradient norm above which gradients are scaled down to it; 0: no clipping
     * @param groups of parameters, of which the first that names one counts
     */
    public record Config(
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double clipNorm,
            List<ParameterGroup> groups) {
        /** Checks the ranges. */
        public Config {
            Arguments.kept("AdamW: beta1", beta1);
            Arguments.kept("AdamW: beta2", beta2);
            Arguments.positive("AdamW: epsilon", epsilon);
            Arguments.notNegative("AdamW: weight decay", weightDecay);
            Arguments.notNegative("AdamW: clip norm", clipNorm);
            groups = List.copyOf(groups);
            for (ParameterGroup group : groups) {
                Arguments.notNegative(
                        "AdamW: learning-rate factor of " + group.parameters(), group.learningRateFactor());
                group.weightDecay()
                        .ifPresent(own -> Arguments.notNegative("AdamW: weight decay of " + group.parameters(), own));
            }
        }

        /** Without groups. */
        public Config(double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {
            this(beta1, beta2, epsilon, weightDecay, clipNorm, List.of());
        }

        /** Those of a run: betas 0.9 and 0.95, epsilon 1e-8, weight decay 0.1, gradients clipped to a norm of 1. */
        public static Config defaults() {
            return new Config(0.9, 0.95, 1e-8, 0.1, 1.0);
        }

        public Config withBetas(double beta1, double beta2) {
            return new Config(beta1, beta2, epsilon, weightDecay, clipNorm, groups);
        }

        public Config withEpsilon(double epsilon) {
            return new Config(beta1, beta2, epsilon, weightDecay, clipNorm, groups);
        }

        public Config withWeightDecay(double weightDecay) {
            return new Config(beta1, beta2, epsilon, weightDecay, clipNorm, groups);
        }

        public Config withClipNorm(double clipNorm) {
            return new Config(beta1, beta2, epsilon, weightDecay, clipNorm, groups);
        }

        public Config withGroups(List<ParameterGroup> groups) {
            return new Config(beta1, beta2, epsilon, weightDecay, clipNorm, groups);
        }

        @Override
        public String toString() {
            return Records.toString(this);
        }
    }

    private final Engine engine;
    private final Config config;
    private final Scope scope;
    private final GroupedRates rates;
    private final Sharding sharding;

    /** Flat, of the elements that this rank updates. */
    private final Map<String, Moments> moments = new LinkedHashMap<>();

    private int steps;

    private record Moments(Tensor first, Tensor second, boolean isSaved) {}

    public AdamW(Engine engine, Config config) {
        this(engine, config, Sharding.NONE);
    }

    /** @param sharding which elements this rank updates; gradients are then sums over the ranks */
    public AdamW(Engine engine, Config config, Sharding sharding) {
        this.engine = engine;
        this.config = config;
        this.sharding = sharding;
        this.scope = engine.detachedScope();
        this.rates = new GroupedRates(config.weightDecay(), config.groups());
    }

    @Override
    public void update(
            Map<String, Parameter> parameters, Map<String, Tensor> gradients, Tensor norm, double learningRate) {
        steps++;
        try (Scope work = engine.scope()) {
            List<AdamWFunction.Slot> slots = new ArrayList<>();
            parameters.forEach((name, parameter) -> Optional.ofNullable(gradients.get(name))
                    .ifPresent(gradient -> slots.add(slot(name, parameter, gradient))));
            Tensor clipping =
                    config.clipNorm() > 0 ? AdamWFunction.clipScale(norm, config.clipNorm()) : norm.fullLike(1);
            Tensor scale = sharding.ranks() == 1 ? clipping : clipping.mul(1.0 / sharding.ranks());
            AdamWFunction.update(
                    engine,
                    slots,
                    work.adopt(scale),
                    new AdamWFunction.Hyperparameters(
                            learningRate, config.beta1(), config.beta2(), config.epsilon(), steps));
        }
    }

    @Override
    public int steps() {
        return steps;
    }

    @Override
    public Sharding sharding() {
        return sharding;
    }

    /**
     * The moments of every parameter that was updated, flat, under its name with {@link #FIRST} or {@link #SECOND} behind.
     * Of several ranks, each has those of its parts, and rank 0 also those that all ranks have.
     */
    @Override
    public Map<String, Tensor> moments() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        moments.forEach((name, own) -> {
            if (own.isSaved()) {
                all.put(name + FIRST, own.first());
                all.put(name + SECOND, own.second());
            }
        });
        return all;
    }

    @Override
    public void restore(int updates, Map<String, ? extends HostSource> saved) {
        moments.values().forEach(own -> {
            scope.free(own.first());
            scope.free(own.second());
        });
        moments.clear();
        saved.forEach((key, first) -> {
            if (key.endsWith(FIRST)) {
                String name = key.substring(0, key.length() - FIRST.length());
                HostSource second = Objects.requireNonNull(saved.get(name + SECOND), name);
                moments.put(name, new Moments(upload(first), upload(second), isSaved(first.shape())));
            }
        });
        steps = updates;
    }

    private Tensor upload(HostSource numbers) {
        long count = numbers.shape().size();
        HostSource own = numbers.slice(sharding.first(count), Shape.of(sharding.length(count)));
        return scope.adopt(engine.tensor(own, engine.parameterType()));
    }

    private boolean isSaved(Shape whole) {
        return sharding.saves(whole.size());
    }

    private AdamWFunction.Slot slot(String name, Parameter parameter, Tensor gradient) {
        Tensor value = own(parameter, parameter.kept());
        Moments own = moments.computeIfAbsent(
                name,
                n -> new Moments(
                        scope.adopt(value.fullLike(0)), scope.adopt(value.fullLike(0)), isSaved(parameter.shape())));
        return new AdamWFunction.Slot(
                value, own(parameter, gradient), own.first(), own.second(), parts(name, parameter));
    }

    /** The elements that this rank updates, as a view; where only they are kept, all of them. */
    private Tensor own(Parameter parameter, Tensor kept) {
        if (parameter.isPart()) {
            return kept;
        }
        long count = kept.shape().size();
        return kept.reshape(count).narrow(0, sharding.first(count), sharding.length(count));
    }

    /** Those of the stretches that lie in this rank's elements. */
    private List<AdamWFunction.Part> parts(String name, Parameter parameter) {
        List<AdamWFunction.Part> parts = new ArrayList<>();
        long count = parameter.shape().size();
        long first = sharding.first(count);
        long end = first + sharding.length(count);
        long at = 0;
        for (AdamWFunction.Part part : rates.parts(name, parameter)) {
            long inside = Math.min(at + part.count(), end) - Math.max(at, first);
            if (inside > 0) {
                parts.add(new AdamWFunction.Part(inside, part.rateFactor(), part.weightDecay()));
            }
            at += part.count();
        }
        return parts;
    }

    /** Frees the moments. */
    @Override
    public void close() {
        scope.close();
    }
}
