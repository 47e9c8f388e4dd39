package org.mohawk4j.train.loop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.IntFunction;
import org.mohawk4j.train.config.AutoTokensConfig;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;

/**
 * How many steps a stage takes, and at which learning rates: as planned, or, with {@code tokens: auto}, fewer. Then the
 * loss on held-out windows is measured along the plateau of the learning rate, at equal distances, and smoothed by the
 * mean of the last {@value #SMOOTHED}. Once a measurement lowers that by less than the wanted share of it, the decay
 * begins, as long as it was planned, and the stage ends with it.
 */
public final class StageLength {
    private static final int SMOOTHED = 3;
    private static final String CARRIED = "carried_steps";
    private static final String HELD_OUT = "held_out_losses";
    private static final String ENDS = "ends_at_step";

    private final int own;
    private final IntFunction<? extends LearningRateSchedule> schedules;
    private final Optional<Criterion> criterion;
    private final List<Double> heldOut = new ArrayList<>();
    private int carried;
    private int end;

    /**
     * When a stage with {@code tokens: auto} ends.
     *
     * @param loss of the student as it is, on the held-out windows
     */
    public record Criterion(AutoTokensConfig when, DoubleSupplier loss) {}

    /** A stage of as many steps as planned. */
    public StageLength(LearningRateSchedule schedule, int steps) {
        this(steps, total -> schedule, Optional.empty());
    }

    /**
     * A stage to which steps may be carried over.
     *
     * @param steps of its own
     * @param schedules by the number of steps; with a criterion those of {@link WarmupStableDecaySchedule}
     */
    public StageLength(
            int steps, IntFunction<? extends LearningRateSchedule> schedules, Optional<Criterion> criterion) {
        this.own = steps;
        this.schedules = schedules;
        this.criterion = criterion;
    }

    /** Adds steps that a stage before did not take. */
    public void carry(int steps) {
        carried = steps;
    }

    private int planned() {
        return own + carried;
    }

    /** Steps in all, as far as is known. */
    public int steps() {
        return end > 0 ? end : planned();
    }

    /** Planned steps that are not taken. */
    public int saved() {
        return planned() - steps();
    }

    /** @param step from 0 */
    double learningRate(int step) {
        LearningRateSchedule schedule = schedules.apply(planned());
        return (end > 0 ? endingAt((WarmupStableDecaySchedule) schedule, end) : schedule).at(step);
    }

    private static WarmupStableDecaySchedule endingAt(WarmupStableDecaySchedule planned, int steps) {
        return new WarmupStableDecaySchedule(
                planned.peak(), planned.warmupSteps(), steps, planned.decaySteps(), planned.finalFraction());
    }

    /** Measures, if that is due after so many steps, and gives what the step's metrics say of it. */
    Map<String, Object> after(int step) {
        if (criterion.isEmpty() || end > 0) {
            return Map.of();
        }
        AutoTokensConfig when = criterion.get().when();
        WarmupStableDecaySchedule schedule = (WarmupStableDecaySchedule) schedules.apply(planned());
        long interval = Math.max(1, Math.round(when.share() * planned()));
        boolean isPlateau = step >= schedule.warmupSteps() && step < planned() - schedule.decaySteps();
        if (!isPlateau || step % interval != 0) {
            return Map.of();
        }
        double loss = criterion.get().loss().getAsDouble();
        Map<String, Object> found = new LinkedHashMap<>(Map.of(StepMetrics.HELD_OUT_LOSS, loss));
        if (!Double.isFinite(loss)) {
            return found;
        }
        heldOut.add(loss);
        if (heldOut.size() > SMOOTHED && smoothed(1) - smoothed(0) < when.improvement() * smoothed(1)) {
            end = step + schedule.decaySteps();
            found.put(StepMetrics.ENDS_AT_STEP, end);
            found.put(StepMetrics.SAVED_STEPS, saved());
        }
        return found;
    }

    /** @param ago measurements that are not yet counted */
    private double smoothed(int ago) {
        int until = heldOut.size() - ago;
        return heldOut.subList(until - SMOOTHED, until).stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElseThrow();
    }

    ObjectNode toJson() {
        ObjectNode json =
                JsonNodeFactory.instance.objectNode().put(CARRIED, carried).put(ENDS, end);
        ArrayNode losses = json.putArray(HELD_OUT);
        heldOut.forEach(losses::add);
        return json;
    }

    void restore(JsonNode json) {
        carried = json.path(CARRIED).asInt();
        end = json.path(ENDS).asInt();
        heldOut.clear();
        json.path(HELD_OUT).forEach(loss -> heldOut.add(loss.asDouble()));
    }

    /**
     * Steps in all of a stage that was saved.
     *
     * @param own steps that the configuration gives it
     */
    static int stepsOf(JsonNode json, int own) {
        int end = json.path(ENDS).asInt();
        return end > 0 ? end : own + json.path(CARRIED).asInt();
    }
}
