package org.mohawk4j.nn;

import java.util.List;

/** Scaling of a rotary embedding's frequencies, which extends a model's context beyond that of its training. */
public sealed interface RopeScaling {
    /**
     * @param frequency of a pair of entries, in radians for each position
     * @param pair i, from 0
     * @param rotary whose scaling this is
     * @return likewise
     */
    double apply(double frequency, int pair, RotaryConfig rotary);

    /** What cosines and sines are multiplied by, and so all scores by its square. */
    default double attentionFactor() {
        return 1;
    }

    /** What it is for a sequence of that many positions; its frequencies then hold for all of them. */
    default RopeScaling forLength(long positions) {
        return this;
    }

    /** Frequencies as they are. */
    record None() implements RopeScaling {
        @Override
        public double apply(double frequency, int pair, RotaryConfig rotary) {
            return frequency;
        }
    }

    /** Positions closer together (Chen et al. 2023, arXiv 2306.15595): all frequencies divided by {@code factor}. */
    record Linear(double factor) implements RopeScaling {
        @Override
        public double apply(double frequency, int pair, RotaryConfig rotary) {
            return frequency / factor;
        }
    }

    /**
     * Llama 3.1's: short wavelengths stay as they are, long ones are divided by {@code factor}, and between the two the
     * frequency is interpolated.
     *
     * @param lowFrequencyFactor wavelengths that fit into the original context less often than this are long
     * @param highFrequencyFactor those that fit into it more often than this are short; above the other
     * @param originalPositions the context that the model was trained with at first
     */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, long originalPositions)
            implements RopeScaling {
        @Override
        public double apply(double frequency, int pair, RotaryConfig rotary) {
            double wavelength = 2 * Math.PI / frequency;
            double turns = originalPositions / wavelength;
            double kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
            if (turns < lowFrequencyFactor) {
                return frequency / factor;
            }
            if (turns > highFrequencyFactor) {
                return frequency;
            }
            return kept * frequency + (1 - kept) * frequency / factor;
        }
    }

    /**
     * YaRN (Peng et al. 2023, arXiv 2309.00071): pairs that turn often within the original context stay as they are, those
     * that turn seldom are divided by {@code factor}, with a ramp over the pairs between.
     *
     * @param turnsKept pairs that turn more often than this stay as they are
     * @param turnsDivided those that turn less often than this are divided; below the other
     * @param wholePairs whether the ramp's ends are rounded outwards to whole pairs
     * @param originalPositions the context that the model was trained with at first
     */
    record Yarn(
            double factor,
            double turnsKept,
            double turnsDivided,
            boolean wholePairs,
            long originalPositions,
            double attentionFactor)
            implements RopeScaling {
        @Override
        public double apply(double frequency, int pair, RotaryConfig rotary) {
            double from = pairThatTurns(turnsKept, rotary);
            double to = pairThatTurns(turnsDivided, rotary);
            double first = Math.max(0, wholePairs ? Math.floor(from) : from);
            double last = Math.min(rotary.dim() - 1, wholePairs ? Math.ceil(to) : to);
            // as transformers does where the two are one
            double span = first == last ? 0.001 : last - first;
            double divided = Math.min(1, Math.max(0, (pair - first) / span));
            return frequency / factor * divided + frequency * (1 - divided);
        }

        /** The pair, with a fraction, that turns that often within the original context. */
        private double pairThatTurns(double turns, RotaryConfig rotary) {
            return rotary.dim() * Math.log(originalPositions / (turns * 2 * Math.PI)) / (2 * Math.log(rotary.theta()));
        }
    }

    /**
     * LongRoPE (Ding et al. 2024, arXiv 2402.13753): each pair's frequency divided by its own factor, from one list for
     * sequences that fit into the original context and by another for longer ones.
     *
     * @param shortFactors dim/2 of them, as of the other
     * @param originalPositions the context that the model was trained with at first
     */
    record LongRope(List<Double> shortFactors, List<Double> longFactors, long originalPositions, double attentionFactor)
            implements RopeScaling {
        public LongRope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }

        @Override
        public double apply(double frequency, int pair, RotaryConfig rotary) {
            return frequency / shortFactors.get(pair);
        }

        @Override
        public RopeScaling forLength(long positions) {
            return positions <= originalPositions
                    ? this
                    : new LongRope(longFactors, longFactors, Long.MAX_VALUE, attentionFactor);
        }
    }
}
