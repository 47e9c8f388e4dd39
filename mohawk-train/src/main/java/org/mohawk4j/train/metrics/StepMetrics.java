package org.mohawk4j.train.metrics;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.mohawk4j.train.checkpoint.Position;

/**
 * What was measured in one training step; a line of {@code metrics.jsonl}. In JSON the names are in snake case, and the
 * extra values stand beside the others. A number that is not finite is {@code null} there, since JSON has none, and
 * reads back as NaN.
 *
 * @param position the stage, from 1, and the step of it, from 1
 * @param tokens trained on in this stage so far
 * @param seconds since the stage began
 * @param loss of the step's batch before its update; where layers are aligned the sum over them
 * @param layerLosses of the aligned layers in order; empty in knowledge distillation
 * @param learningRate of the step
 * @param gradientNorm global, before clipping
 * @param extra further values by name: numbers, texts, true or false; under {@link #LAYERS} a list
 */
public record StepMetrics(
        Position position,
        long tokens,
        double seconds,
        double loss,
        List<Double> layerLosses,
        double learningRate,
        double gradientNorm,
        Map<String, Object> extra) {
    static final String STAGE = "stage";
    static final String STEP = "step";
    static final String TOKENS = "tokens";
    static final String LOSS = "loss";
    static final String LAYER_LOSSES = "layer_losses";
    static final String LEARNING_RATE = "learning_rate";
    static final String GRADIENT_NORM = "gradient_norm";
    static final String TOKENS_PER_SECOND = "tokens_per_second";
    static final String SECONDS = "seconds";
    /** Among the extra values: the layers, from 0, that {@link #layerLosses} are of. */
    public static final String LAYERS = "layers";

    /** Among the extra values: why the step was not trained on. */
    public static final String FAULT = "fault";

    /** Among the extra values of a stage with {@code tokens: auto}: the loss on held-out windows, where it is measured. */
    public static final String HELD_OUT_LOSS = "held_out_loss";

    /** Likewise: the last step of the stage, once its decay has begun before its share is spent. */
    public static final String ENDS_AT_STEP = "ends_at_step";

    /** Beside {@link #ENDS_AT_STEP}: planned steps that the stage does not take. */
    public static final String SAVED_STEPS = "saved_steps";

    static final Set<String> NAMES =
            Set.of(STAGE, STEP, TOKENS, LOSS, LAYER_LOSSES, LEARNING_RATE, GRADIENT_NORM, TOKENS_PER_SECOND, SECONDS);

    /** In the run's list of stages, from 1. */
    public int stage() {
        return position.stage();
    }

    /** Of the stage, from 1. */
    public int step() {
        return position.step();
    }

    /** Of the stage so far. */
    public double tokensPerSecond() {
        return tokens / seconds;
    }

    /** The layers, from 0, that {@link #layerLosses} are of, in the same order; empty if the metrics do not say. */
    public List<Integer> layers() {
        return extra.get(LAYERS) instanceof List<?> found
                ? found.stream().map(Integer.class::cast).toList()
                : List.of();
    }

    /** Whether the step was not trained on. */
    public boolean isFaulty() {
        return extra.containsKey(FAULT);
    }

    /** Copies the collections, and refuses extra values that JSON lines could not hold. */
    public StepMetrics {
        layerLosses = List.copyOf(layerLosses);
        extra = Collections.unmodifiableMap(new LinkedHashMap<>(extra));
        extra.forEach((name, value) -> {
            if (NAMES.contains(name)) {
                throw new IllegalArgumentException("extra: expected names other than " + NAMES + ", got " + name);
            }
            boolean areLayers = name.equals(LAYERS)
                    && value instanceof List<?> list
                    && list.stream().allMatch(Integer.class::isInstance);
            if (!(value instanceof Number || value instanceof String || value instanceof Boolean || areLayers)) {
                throw new IllegalArgumentException(
                        "extra " + name + ": expected a number, a text, true or false, got " + value);
            }
        });
    }
}
