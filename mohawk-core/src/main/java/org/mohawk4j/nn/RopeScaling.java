package org.mohawk4j.nn;

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
