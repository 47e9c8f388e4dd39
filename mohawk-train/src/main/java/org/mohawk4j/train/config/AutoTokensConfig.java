package org.mohawk4j.train.config;

import org.mohawk4j.train.yaml.Ranges;

/**
 * When a stage with {@code tokens: auto} ends: its loss on held-out windows is measured each time that it has spent a
 * share of its budget, and once its smoothed value improves by too little from one measurement to the next, the stage
 * goes over to the decay of its learning rate.
 *
 * @param share of a stage's steps between two measurements; above 0, at most 0.25
 * @param improvement below which the stage ends, relative to the smoothed loss
 * @param windows of the held-out text that are measured, its last ones
 */
public record AutoTokensConfig(double share, double improvement, int windows) {
    /** Checks the ranges. */
    public AutoTokensConfig {
        Ranges.require(share > 0 && share <= 0.25, "auto-tokens.share", "a number above 0 and at most 0.25", share);
        Ranges.fraction("auto-tokens.improvement", improvement);
        Ranges.atLeast(1, "auto-tokens.windows", windows);
    }

    /** The defaults. */
    public static AutoTokensConfig defaults() {
        return new AutoTokensConfig(0.05, 0.01, 8);
    }

    public AutoTokensConfig withShare(double share) {
        return new AutoTokensConfig(share, improvement, windows);
    }

    public AutoTokensConfig withImprovement(double improvement) {
        return new AutoTokensConfig(share, improvement, windows);
    }

    public AutoTokensConfig withWindows(int windows) {
        return new AutoTokensConfig(share, improvement, windows);
    }
}
