package org.mohawk4j.train.schedule;

import org.mohawk4j.Arguments;

/**
 * Linear warm-up, then half a cosine down (SGDR without restarts, arXiv 1608.03983). With w warm-up steps and n steps in
 * all, the value at step s, from 0, is
 *
 * <pre>
 *   s &lt; w      peak · (s + 1) / w
 *   w ≤ s &lt; n  peak · (f + (1 − f) · (1 + cos(π (s − w) / (n − w))) / 2)
 *   n ≤ s      peak · f
 * </pre>
 *
 * <p>where f is the final fraction, reached at step n, the first one not taken.
 *
 * @param peak the highest rate, above 0
 * @param warmupSteps w, from 0 to n
 * @param totalSteps n, from 1
 * @param finalFraction f, from 0 to 1
 */
public record CosineSchedule(double peak, int warmupSteps, int totalSteps, double finalFraction)
        implements LearningRateSchedule {
    /** Checks the ranges above. */
    public CosineSchedule {
        Arguments.require(peak > 0 && Double.isFinite(peak), "peak", "a number above 0", peak);
        Arguments.require(totalSteps >= 1, "totalSteps", "at least 1", totalSteps);
        Arguments.require(
                warmupSteps >= 0 && warmupSteps <= totalSteps, "warmupSteps", "0 to " + totalSteps, warmupSteps);
        Arguments.require(finalFraction >= 0 && finalFraction <= 1, "finalFraction", "0 to 1", finalFraction);
    }

    @Override
    public double at(int step) {
        Arguments.atLeast(0, "step", step);
        if (step >= totalSteps) {
            return peak * finalFraction;
        }
        if (step < warmupSteps) {
            return peak * (step + 1) / warmupSteps;
        }
        double progress = (double) (step - warmupSteps) / (totalSteps - warmupSteps);
        return peak * (finalFraction + (1 - finalFraction) * (1 + Math.cos(Math.PI * progress)) / 2);
    }
}
