package org.mohawk4j.train.config;

/**
 * Training settings that all stages share by default.
 *
 * @param schedule of the learning rate
 * @param hiddenStates of hidden-state alignment
 * @param distillation of knowledge distillation
 * @param autoTokens when stages with {@code tokens: auto} end
 */
public record LearningConfig(
        OptimizerConfig optimizer,
        ScheduleConfig schedule,
        HiddenStateConfig hiddenStates,
        DistillationConfig distillation,
        AutoTokensConfig autoTokens) {
    /** The defaults. */
    public static LearningConfig defaults() {
        return new LearningConfig(
                OptimizerConfig.defaults(),
                ScheduleConfig.defaults(),
                HiddenStateConfig.defaults(),
                DistillationConfig.defaults(),
                AutoTokensConfig.defaults());
    }
}
