package org.mohawk4j.layer;

/** What becomes of a rotary embedding's frequencies so that a model reaches further than it was trained for. */
public sealed interface RopeScaling {
    /**
     * @param frequency of one pair of entries, in radians for each position
     * @return likewise
     */
    double apply(double frequency);

    /** Frequencies as they are. */
    record None() implements RopeScaling {
        @Override
        public double apply(double frequency) {
            return frequency;
        }
    }

    /** Positions closer together (Chen et al. 2023, arXiv 2306.15595): all frequencies divided by {@code factor}. */
    record Linear(double factor) implements RopeScaling {
        @Override
        public double apply(double frequency) {
            return frequency / factor;
        }
    }

    /**
     * Llama 3.1's: frequencies whose wavelength is a small part of the original context stay, those whose wavelength is a
     * large part of it are divided by {@code factor}, and between the two they go from one to the other.
     *
     * @param lowFrequencyFactor how often the longest scaled-in-full wavelength fits into the original context
     * @param highFrequencyFactor how often the shortest wavelength that is not unscaled fits into it; the larger of both
     * @param originalPositions the context that the model was trained with at first
     */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, long originalPositions)
            implements RopeScaling {
        @Override
        public double apply(double frequency) {
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
}
