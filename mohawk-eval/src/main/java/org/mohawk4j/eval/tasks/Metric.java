package org.mohawk4j.eval.tasks;

import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** How the answers to a task are judged, as in {@code lm_eval/api/task.py} and {@code metrics.py} of the harness. */
enum Metric {
    /** The share of questions whose right choice is the likeliest, the first of equal ones. */
    ACC {
        @Override
        double of(TaskItem item, TaskAnswer answer) {
            return share(likeliest(item.choices().size(), answer.sums()::get) == item.gold());
        }
    },

    /** As {@link #ACC}, each log-likelihood divided by the bytes of its answer. */
    ACC_NORM {
        @Override
        double of(TaskItem item, TaskAnswer answer) {
            return share(likeliest(
                            item.choices().size(),
                            i -> answer.sums().get(i) / item.choices().get(i).bytes())
                    == item.gold());
        }
    },

    /** The share of continuations of which each token is the likeliest at its place: greedy decoding writes them. */
    EXACT {
        @Override
        double of(TaskItem item, TaskAnswer answer) {
            return share(answer.greedy().get(0));
        }

        @Override
        String label() {
            return "acc";
        }
    },

    /** e to the mean negative log-likelihood of a whole continuation. */
    PERPLEXITY {
        @Override
        double of(TaskItem item, TaskAnswer answer) {
            return answer.sums().get(0);
        }

        @Override
        Value aggregate(List<Double> values) {
            Value mean = super.aggregate(values);
            double perplexity = Math.exp(-mean.value());
            return new Value(perplexity, perplexity * mean.standardError());
        }
    };

    /**
     * A figure with its standard error.
     *
     * @param standardError not a number if there is a single question; of a perplexity to first order
     */
    public record Value(double value, double standardError) {}

    /** The figure of one question. */
    abstract double of(TaskItem item, TaskAnswer answer);

    /** The mean, with the standard error of a sample. */
    Value aggregate(List<Double> values) {
        double mean = values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
        double squares =
                values.stream().mapToDouble(x -> (x - mean) * (x - mean)).sum();
        return new Value(mean, Math.sqrt(squares / (values.size() - 1) / values.size()));
    }

    /** The name in results. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static double share(boolean hit) {
        return hit ? 1 : 0;
    }

    private static int likeliest(int count, IntToDoubleFunction score) {
        return IntStream.range(0, count)
                .reduce((a, b) -> score.applyAsDouble(b) > score.applyAsDouble(a) ? b : a)
                .orElseThrow();
    }
}
