package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;
import org.mohawk4j.train.yaml.Ranges;

/**
 * The learning rate along each stage.
 *
 * @param kind the shape after the warm-up
 * @param warmupFraction share of a stage's steps that warm up
 * @param decayFraction share of a stage's steps that decay; a cosine decays from the warm-up's end and ignores it
 * @param finalFraction what the rate ends at, as a share of its peak
 */
public record ScheduleConfig(Kind kind, double warmupFraction, double decayFraction, double finalFraction) {
    /** The shape after the warm-up. */
    public enum Kind {
        /** {@link WarmupStableDecaySchedule}. */
        @JsonProperty("warmup-stable-decay")
        WARMUP_STABLE_DECAY,
        /** {@link CosineSchedule}. */
        @JsonProperty("cosine")
        COSINE
    }

    /** Checks the ranges. */
    public ScheduleConfig {
        Ranges.fraction("schedule.warmup-fraction", warmupFraction);
        Ranges.fraction("schedule.decay-fraction", decayFraction);
        Ranges.require(
                warmupFraction + decayFraction <= 1,
                "schedule.decay-fraction",
                "at most 1 together with schedule.warmup-fraction " + warmupFraction,
                decayFraction);
        Ranges.fraction("schedule.final-fraction", finalFraction);
    }

    /** The defaults. */
    public static ScheduleConfig defaults() {
        return new ScheduleConfig(Kind.WARMUP_STABLE_DECAY, 0.1, 0.5, 0.0);
    }

    /**
     * The schedule of a stage. Fractions become whole steps, rounded to the nearest.
     *
     * @param peak the stage's learning rate
     * @param steps the stage's steps
     */
    public LearningRateSchedule forStage(double peak, int steps) {
        int warmup = (int) Math.round(warmupFraction * steps);
        return switch (kind) {
            case COSINE -> new CosineSchedule(peak, warmup, steps, finalFraction);
            case WARMUP_STABLE_DECAY -> {
                int decay = Math.min(steps - warmup, (int) Math.round(decayFraction * steps));
                yield new WarmupStableDecaySchedule(peak, warmup, steps, decay, finalFraction);
            }
        };
    }

    public ScheduleConfig withKind(Kind kind) {
        return new ScheduleConfig(kind, warmupFraction, decayFraction, finalFraction);
    }

    public ScheduleConfig withWarmupFraction(double warmupFraction) {
        return new ScheduleConfig(kind, warmupFraction, decayFraction, finalFraction);
    }

    public ScheduleConfig withDecayFraction(double decayFraction) {
        return new ScheduleConfig(kind, warmupFraction, decayFraction, finalFraction);
    }

    public ScheduleConfig withFinalFraction(double finalFraction) {
        return new ScheduleConfig(kind, warmupFraction, decayFraction, finalFraction);
    }
}
