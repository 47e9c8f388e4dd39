package org.mohawk4j.train.config;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.InvalidInputException;

/**
 * A stage that takes steps, with every value in force.
 *
 * @param number in the run's list of stages, from 1
 * @param steps that it takes
 * @param batch B
 * @param context T
 * @param learningRate the peak
 * @param trainable names of the parameters that it trains, where {@code *} stands for anything; empty: all that its
 *     objective can train
 */
public record ActiveStage(
        int number,
        StageObjective objective,
        int steps,
        int batch,
        int context,
        double learningRate,
        ScheduleConfig schedule,
        List<String> trainable) {
    static List<ActiveStage> of(TrainingConfig training, ScheduleConfig schedule) {
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
                        schedule(i, stage, schedule),
                        stage.trainable()));
            }
        }
        return active;
    }

    /** @param index of the stage in the run's list */
    static ScheduleConfig schedule(int index, StageConfig stage, ScheduleConfig run) {
        try {
            return stage.schedule().over(run);
        } catch (InvalidInputException e) {
            throw new InvalidInputException(key(index) + "." + e.getMessage(), e);
        }
    }

    /** How messages name the stage in the list that starts at 0, such as {@code stages[0]}. */
    public String key() {
        return key(number - 1);
    }

    static String key(int index) {
        return "stages[" + index + "]";
    }

    /** The same stage with another B. */
    public ActiveStage withBatch(int other) {
        return new ActiveStage(number, objective, steps, other, context, learningRate, schedule, trainable);
    }

    /** Whether its batches are of the same shape as another's. */
    public boolean hasShapeOf(ActiveStage other) {
        return batch == other.batch && context == other.context;
    }
}
