package org.mohawk4j.train.report;

/**
 * What became of a stage.
 *
 * @param stage 1, 2 or 3
 * @param steps taken
 * @param tokens trained on
 * @param firstLoss the first step's loss, before any update
 * @param lastLoss the mean loss of the last ten steps, or of as many as there are
 * @param tokensPerSecond over the whole stage
 * @param seconds the stage took
 */
public record StageSummary(
        int stage, int steps, long tokens, double firstLoss, double lastLoss, double tokensPerSecond, double seconds) {
    /** The stage's name in the paper. */
    public String name() {
        return switch (stage) {
            case 1 -> "matrix orientation";
            case 2 -> "hidden-state alignment";
            case 3 -> "knowledge distillation";
            default -> "stage " + stage;
        };
    }
}
