package org.mohawk4j.train.schedule;

import org.mohawk4j.Arguments;

/**
 * Linear warm-up, a plateau, linear decay (WSD; MiniCPM, arXiv 2404.06395; the schedule of MOHAWK's stages, arXiv
 * 2408.10189). With w warm-up steps, d decay steps and n steps in all, the value at step s, from 0, is
 *
 * <pre>
 *   s &lt; w          peak · (s + 1) / w
 *   w ≤ s &lt; n − d  peak
 *   n − d ≤ s &lt; n  peak · (f + (1 − f) · (n − s) / d)
 *   n ≤ s          peak · f
 * </pre>
 *
 * <p>where f is the final fraction. The decay mirrors the warm-up: its first step still has the peak, and f is reached
 * at step n, the first one not taken, so no step is spent on a rate of zero.
 *
 * @param peak the rate of the plateau, above 0
 * @param warmupSteps w, from 0
 * @param totalSteps n, from 1
 * @param decaySteps d, from 0; w + d is at most n
 * @param finalFraction f, from 0 to 1
 */
public record WarmupStableDecaySchedule(
        double peak, int warmupSteps, int totalSteps, int decaySteps, double finalFraction)
        implements LearningRateSchedule {
    /** Checks the ranges above. */
    public WarmupStableDecaySchedule {
        Arguments.require(peak > 0 && Double.isFinite(peak), "peak", "a number above 0", peak);
        Arguments.require(totalSteps >= 1, "totalSteps", "at least 1", totalSteps);
        Arguments.require(warmupSteps >= 0, "warmupSteps", "at least 0", warmupSteps);
        Arguments.require(decaySteps >= 0, "decaySteps", "at least 0", decaySteps);
        Arguments.require(
                (long) warmupSteps + decaySteps <= totalSteps,
                "warmupSteps + decaySteps",
                "at most the " + totalSteps + " steps in all",
                (long) warmupSteps + decaySteps);
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
        int left = totalSteps - step;
        if (left <= decaySteps) {
            return peak * (finalFraction + (1 - finalFraction) * left / decaySteps);
        }
        return peak;
    }
}
