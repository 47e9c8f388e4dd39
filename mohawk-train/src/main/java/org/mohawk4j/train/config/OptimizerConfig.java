package org.mohawk4j.train.config;

import java.util.List;

/**
 * AdamW and gradient clipping, the same in every stage.
 *
 * @param weightDecay on matrices only
 * @param betas decay of the first and of the second moment, each from 0 to below 1
 * @param epsilon added to the root of the second moment
 * @param clipNorm the global gradient norm above which gradients are scaled down to it; 0: no clipping
 */
public record OptimizerConfig(double weightDecay, List<Double> betas, double epsilon, double clipNorm) {
    /** Checks the ranges. */
    public OptimizerConfig {
        Ranges.notNegative("optimizer.weight-decay", weightDecay);
        betas = List.copyOf(betas);
        Ranges.size(2, "optimizer.betas", betas);
        for (double beta : betas) {
            Ranges.require(beta >= 0 && beta < 1, "optimizer.betas", "numbers from 0 to below 1", betas);
        }
        Ranges.positive("optimizer.epsilon", epsilon);
        Ranges.notNegative("optimizer.clip-norm", clipNorm);
    }

    /** The defaults. */
    public static OptimizerConfig defaults() {
        return new OptimizerConfig(0.1, List.of(0.9, 0.95), 1e-8, 1.0);
    }

    public OptimizerConfig withWeightDecay(double weightDecay) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm);
    }

    public OptimizerConfig withBetas(List<Double> betas) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm);
    }

    public OptimizerConfig withEpsilon(double epsilon) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm);
    }

    public OptimizerConfig withClipNorm(double clipNorm) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm);
    }
}
