package org.mohawk4j.train.config;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.optimizer.ParameterGroup;
import org.mohawk4j.train.yaml.Ranges;

/**
 * AdamW and gradient clipping, the same in every stage.
 *
 * @param weightDecay on matrices only
 * @param betas decay of the first and of the second moment, each from 0 to below 1
 * @param epsilon added to the root of the second moment
 * @param clipNorm the global gradient norm above which gradients are scaled down to it; 0: no clipping
 * @param groups parameters with a learning rate or weight decay of their own; the first that names one counts
 */
public record OptimizerConfig(
        double weightDecay, List<Double> betas, double epsilon, double clipNorm, List<ParameterGroup> groups) {
    /** The default group: what a discrete Mamba-2 does not copy from the attention, which has further to go. */
    private static final ParameterGroup NEW_PARAMETERS = new ParameterGroup(
            List.of(
                    "*.mixer.z_bias",
                    "*.mixer.conv1d.*",
                    "*.mixer.D",
                    "*.mixer.in_proj.weight[z]",
                    "*.mixer.in_proj.weight[A_log]"),
            8,
            Optional.empty());

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
        groups = List.copyOf(groups);
        for (int i = 0; i < groups.size(); i++) {
            check(groupKey(i) + ".", groups.get(i));
        }
    }

    /** How messages name a group. */
    static String groupKey(int index) {
        return "optimizer.groups[" + index + "]";
    }

    private static void check(String prefix, ParameterGroup group) {
        String names = prefix + "parameters";
        Ranges.require(!group.parameters().isEmpty(), names, "names of parameters", "none");
        Ranges.names(names, group.parameters());
        Ranges.notNegative(prefix + "learning-rate-factor", group.learningRateFactor());
        group.weightDecay().ifPresent(own -> Ranges.notNegative(prefix + "weight-decay", own));
    }

    /** The defaults. */
    public static OptimizerConfig defaults() {
        return new OptimizerConfig(0.1, List.of(0.9, 0.95), 1e-8, 1.0, List.of(NEW_PARAMETERS));
    }

    /** The groups that a user has given, whose names must be those of parameters. */
    public List<ParameterGroup> givenGroups() {
        return groups.stream().filter(group -> !group.equals(NEW_PARAMETERS)).toList();
    }

    /** As the optimizer takes it. */
    public AdamW.Config adamW() {
        return new AdamW.Config(betas.get(0), betas.get(1), epsilon, weightDecay, clipNorm, groups);
    }

    public OptimizerConfig withWeightDecay(double weightDecay) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm, groups);
    }

    public OptimizerConfig withBetas(List<Double> betas) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm, groups);
    }

    public OptimizerConfig withEpsilon(double epsilon) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm, groups);
    }

    public OptimizerConfig withClipNorm(double clipNorm) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm, groups);
    }

    public OptimizerConfig withGroups(ParameterGroup... groups) {
        return new OptimizerConfig(weightDecay, betas, epsilon, clipNorm, List.of(groups));
    }
}
