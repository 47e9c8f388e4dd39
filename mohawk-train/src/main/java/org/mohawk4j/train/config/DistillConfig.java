package org.mohawk4j.train.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.mohawk4j.InvalidInputException;

/**
 * Everything that a distillation is told, in sections. {@link #defaults} and its like in the sections are the only place
 * where a default value stands; a {@link DistillConfigBuilder} replaces some of them.
 *
 * <p>Read from and written to YAML by {@link DistillConfigYaml}, with the names of components in kebab case as keys. The
 * values of {@code files}, {@code training}, {@code machine}, {@code learning} and {@code recovery} stand there without
 * the section's name.
 *
 * <p>Every constructor refuses a value out of range with an {@link InvalidInputException} of one line naming the key, the
 * expected and the actual.
 */
public record DistillConfig(
        FilesConfig files,
        TrainingConfig training,
        MachineConfig machine,
        StudentConfig student,
        LearningConfig learning,
        EvaluationConfig evaluation,
        DataConfig data,
        RecoveryConfig recovery) {
    /** Checks the schedules of stages, which depend on the run's. */
    public DistillConfig {
        for (int i = 0; i < training.stages().size(); i++) {
            schedule(i, training.stages().get(i), learning.schedule());
        }
    }

    /** The defaults, before anything that a user says. */
    public static DistillConfig defaults() {
        return new DistillConfig(
                FilesConfig.defaults(),
                TrainingConfig.defaults(),
                MachineConfig.defaults(),
                StudentConfig.defaults(),
                LearningConfig.defaults(),
                EvaluationConfig.defaults(),
                DataConfig.defaults(),
                RecoveryConfig.defaults());
    }

    /** A builder that begins with the defaults. */
    public static DistillConfigBuilder builder() {
        return defaults().toBuilder();
    }

    /** A builder that begins with this configuration. */
    public DistillConfigBuilder toBuilder() {
        return new DistillConfigBuilder(this);
    }

    /**
     * This configuration with some values replaced, as a command line does.
     *
     * @param values by key of the YAML; {@code student.state-size} reaches into a section; a list replaces a list as a
     *     whole
     * @throws InvalidInputException for an unknown key, a wrong type or a value out of range
     */
    public DistillConfig with(Map<String, ?> values) {
        return DistillConfigYaml.with(this, values);
    }

    /**
     * The stages that take steps, in order, of which there is one at least.
     *
     * @throws InvalidInputException if the run's tokens do not reach for one step of each
     */
    public List<ActiveStage> activeStages() {
        TokenBudget budget = TokenBudget.of(training);
        List<ActiveStage> active = new ArrayList<>();
        for (int i = 0; i < training.stages().size(); i++) {
            StageConfig stage = training.stages().get(i);
            if (stage.takesSteps()) {
                active.add(new ActiveStage(
                        i + 1,
                        stage.objective(),
                        budget.steps().get(i),
                        training.batchOf(stage),
                        training.contextOf(stage),
                        stage.learningRate(),
                        schedule(i, stage, learning.schedule()),
                        stage.trainable()));
            }
        }
        return active;
    }

    /** The last stage that takes steps. */
    public ActiveStage lastStage() {
        List<ActiveStage> active = activeStages();
        return active.get(active.size() - 1);
    }

    private static ScheduleConfig schedule(int index, StageConfig stage, ScheduleConfig run) {
        try {
            return stage.schedule().over(run);
        } catch (InvalidInputException e) {
            throw new InvalidInputException(ActiveStage.key(index) + "." + e.getMessage(), e);
        }
    }

    /** Whether a stage with this objective takes steps. */
    public boolean trainsBy(StageObjective objective) {
        return training.stages().stream().anyMatch(stage -> stage.objective() == objective && stage.takesSteps());
    }
}
