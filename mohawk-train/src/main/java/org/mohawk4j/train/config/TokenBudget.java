package org.mohawk4j.train.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.yaml.Ranges;

/**
 * The tokens of a run as whole steps of its stages. A stage with tokens of its own takes as many steps as they make. The
 * others share the run's tokens: if their steps are of one size, they never exceed them and use them up to less than a
 * step, and each stage's part is within a step of its share, except that a stage with a share gets one step at least.
 *
 * @param steps of each stage; 0: it is left out
 */
public record TokenBudget(List<Integer> steps) {
    private static final double SUM_TOLERANCE = 1e-6;

    /** Copies the list. */
    public TokenBudget {
        steps = List.copyOf(steps);
    }

    /**
     * Divides a run's tokens.
     *
     * @throws InvalidInputException if they do not reach for one step of every stage
     */
    public static TokenBudget of(TrainingConfig training) {
        List<StageConfig> stages = training.stages();
        List<Integer> steps = new ArrayList<>(Collections.nCopies(stages.size(), 0));
        Map<Long, List<Integer>> sharingBySize = new LinkedHashMap<>();
        List<StageConfig> sharing = new ArrayList<>();
        for (int i = 0; i < stages.size(); i++) {
            StageConfig stage = stages.get(i);
            if (stage.tokens().isPresent()) {
                String key = ActiveStage.key(i) + ".tokens";
                steps.set(i, new Part(key, stage.tokens().get(), 1, List.of(stage)).steps(training));
            } else if (stage.takesSteps()) {
                sharing.add(stage);
                sharingBySize
                        .computeIfAbsent(size(training, stage), some -> new ArrayList<>())
                        .add(i);
            }
        }
        double all = share(sharing);
        sharingBySize.values().forEach(members -> {
            List<StageConfig> some = members.stream().map(stages::get).toList();
            Part part = new Part("tokens", training.tokens(), share(some) / all, some);
            List<Integer> divided = divide(part.steps(training), some);
            for (int i = 0; i < divided.size(); i++) {
                steps.set(members.get(i), divided.get(i));
            }
        });
        return new TokenBudget(steps);
    }

    private static long size(TrainingConfig training, StageConfig stage) {
        return (long) training.batchOf(stage) * training.contextOf(stage);
    }

    private static double share(List<StageConfig> stages) {
        return stages.stream().mapToDouble(stage -> stage.share().orElse(0.0)).sum();
    }

    /**
     * Stages with steps of one size.
     *
     * @param key of the tokens
     * @param fraction of the tokens that these stages have together
     */
    private record Part(String key, long tokens, double fraction, List<StageConfig> stages) {
        int steps(TrainingConfig training) {
            StageConfig first = stages.get(0);
            long size = size(training, first);
            long own = fraction == 1 ? tokens : (long) (fraction * tokens);
            int count = stages.size();
            String step = "batch " + training.batchOf(first) + " × context " + training.contextOf(first);
            if (own / size < count) {
                long least = fraction == 1 ? count * size : (long) Math.ceil(count * size / fraction);
                throw new InvalidInputException(key + ": expected at least " + least + ", a step of " + step
                        + (count == 1 ? "" : " in each of " + count + " stages") + ", got " + tokens);
            }
            if (own / size > Integer.MAX_VALUE) {
                throw new InvalidInputException(
                        key + ": expected at most " + Integer.MAX_VALUE + " steps of " + step + ", got " + tokens);
            }
            return (int) (own / size);
        }
    }

    private static List<Integer> divide(int total, List<StageConfig> stages) {
        List<Integer> steps = new ArrayList<>();
        double sum = share(stages);
        double share = 0;
        int before = 0;
        for (StageConfig stage : stages) {
            share += stage.share().orElse(0.0);
            int until = (int) Math.round(share / sum * total);
            steps.add(until - before);
            before = until;
        }
        for (int stage = 0; stage < steps.size(); stage++) {
            if (steps.get(stage) == 0) {
                int largest = steps.indexOf(Collections.max(steps));
                steps.set(largest, steps.get(largest) - 1);
                steps.set(stage, 1);
            }
        }
        return steps;
    }

    static void checkSplit(List<Double> split) {
        double sum = 0;
        for (double share : split) {
            Ranges.require(share >= 0 && share <= 1, "split", "shares from 0 to 1", split);
            sum += share;
        }
        Ranges.require(Math.abs(sum - 1) <= SUM_TOLERANCE, "split", "shares with sum 1", split + " with sum " + sum);
    }
}
