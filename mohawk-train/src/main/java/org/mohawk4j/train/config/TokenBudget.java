package org.mohawk4j.train.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.mohawk4j.InvalidInputException;

/**
 * A budget of tokens as whole steps of three stages. All steps together never exceed the budget and use it up to less
 * than a step; each stage's part is within a step of its share, except that a stage with a share gets one step at least.
 *
 * @param tokensPerStep B · T
 * @param steps of stages 1, 2 and 3
 */
public record TokenBudget(long tokensPerStep, List<Integer> steps) {
    /** Matrix orientation, hidden-state alignment, knowledge distillation. */
    public static final int STAGES = 3;

    private static final double SUM_TOLERANCE = 1e-6;

    /** Copies the list. */
    public TokenBudget {
        steps = List.copyOf(steps);
    }

    /**
     * Divides a budget.
     *
     * @param tokens the budget, from 1
     * @param split three shares with sum 1; a stage with share 0 is left out
     * @param batch B
     * @param context T
     * @throws InvalidInputException if the budget does not reach for one step of every stage with a share
     */
    public static TokenBudget of(long tokens, List<Double> split, int batch, int context) {
        Ranges.atLeast(1, "tokens", tokens);
        checkSplit(split);
        long tokensPerStep = (long) batch * context;
        long stages = split.stream().filter(share -> share > 0).count();
        long total = tokens / tokensPerStep;
        if (total < stages) {
            throw new InvalidInputException("tokens: expected at least " + stages * tokensPerStep
                    + ", a step of batch " + batch + " × context " + context + " in each of " + stages
                    + (stages == 1 ? " stage" : " stages") + ", got " + tokens);
        }
        if (total > Integer.MAX_VALUE) {
            throw new InvalidInputException("tokens: expected at most " + Integer.MAX_VALUE + " steps of batch " + batch
                    + " × context " + context + ", got " + tokens);
        }
        return new TokenBudget(tokensPerStep, divide((int) total, split));
    }

    private static List<Integer> divide(int total, List<Double> split) {
        List<Integer> steps = new ArrayList<>();
        double sum = split.stream().mapToDouble(Double::doubleValue).sum();
        double share = 0;
        int before = 0;
        for (double part : split) {
            share += part;
            int until = (int) Math.round(share / sum * total);
            steps.add(until - before);
            before = until;
        }
        for (int stage = 0; stage < STAGES; stage++) {
            if (split.get(stage) > 0 && steps.get(stage) == 0) {
                int largest = steps.indexOf(Collections.max(steps));
                steps.set(largest, steps.get(largest) - 1);
                steps.set(stage, 1);
            }
        }
        return steps;
    }

    static void checkSplit(List<Double> split) {
        Ranges.size(STAGES, "split", split);
        double sum = 0;
        for (double share : split) {
            Ranges.require(share >= 0 && share <= 1, "split", "shares from 0 to 1", split);
            sum += share;
        }
        Ranges.require(Math.abs(sum - 1) <= SUM_TOLERANCE, "split", "shares with sum 1", split + " with sum " + sum);
    }

    /**
     * The steps of a stage.
     *
     * @param stage 1, 2 or 3
     */
    public int stepsOf(int stage) {
        return steps.get(stage - 1);
    }

    /** The last stage that has steps. */
    public int lastStage() {
        int last = STAGES;
        while (stepsOf(last) == 0) {
            last--;
        }
        return last;
    }

    /** The tokens that a stage trains on. */
    public long tokensOf(int stage) {
        return stepsOf(stage) * tokensPerStep;
    }
}
