package org.mohawk4j.train.report;

/**
 * The results of a stage.
 *
 * @param stage in the run's list of stages, from 1
 * @param name of what it minimizes, as in the paper
 * @param steps taken
 * @param tokens trained on
 * @param firstLoss the first step's loss, before any update
 * @param lastLoss the mean loss of the last ten steps, or of as many as there are
 * @param tokensPerSecond over the whole stage
 * @param seconds the stage took
 */
public record StageSummary(
        int stage,
        String name,
        int steps,
        long tokens,
        double firstLoss,
        double lastLoss,
        double tokensPerSecond,
        double seconds) {}
