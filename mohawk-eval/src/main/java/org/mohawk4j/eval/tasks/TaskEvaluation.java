package org.mohawk4j.eval.tasks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.likelihood.LogLikelihood;
import org.mohawk4j.eval.likelihood.LogLikelihood.Score;
import org.mohawk4j.eval.likelihood.Request;
import org.mohawk4j.eval.tasks.TaskItem.Choice;
import org.mohawk4j.tokenizer.Tokenizer;

/** Evaluates a model on tasks' questions in batches, and saves each answer as soon as it is computed. */
public final class TaskEvaluation {
    private static final int CHOICES_AT_ONCE = 256;

    private final LogLikelihood model;
    private final PairEncoder encoder;

    /**
     * @param model scores token sequences
     * @param positions the most tokens that it reads
     */
    public TaskEvaluation(LogLikelihood model, Tokenizer tokenizer, long positions) {
        this.model = model;
        this.encoder = new PairEncoder(tokenizer, positions);
    }

    /** Notified of every step. */
    @FunctionalInterface
    public interface Listener {
        /**
         * @param done questions of the task that are answered, earlier runs included
         * @param total questions of the task
         */
        void answered(Task task, int done, int total);
    }

    /**
     * Answers all questions of a task that are not answered yet.
     *
     * @param questions the task's file
     * @param answers where answers are kept, and found if an earlier run left some
     */
    public TaskScore run(Task task, Path questions, TaskAnswers answers, Listener listener) {
        List<TaskItem> items = task.items(questions);
        Map<Integer, TaskAnswer> known = answers.of(task, questions);
        known.forEach((index, answer) -> requireFitting(questions, items, index, answer));
        List<Pending> pending = IntStream.range(0, items.size())
                .filter(i -> !known.containsKey(i))
                .mapToObj(i -> new Pending(i, requests(items.get(i))))
                .sorted(Comparator.comparingInt(Pending::tokens).reversed())
                .toList();
        int done = items.size() - pending.size();
        int from = 0;
        while (from < pending.size()) {
            int to = from;
            int choices = 0;
            while (to < pending.size() && choices < CHOICES_AT_ONCE) {
                choices += pending.get(to++).requests().size();
            }
            Map<Integer, TaskAnswer> found = answer(pending.subList(from, to));
            answers.add(task, found);
            known.putAll(found);
            done += to - from;
            from = to;
            listener.answered(task, done, items.size());
        }
        return score(task, items, known);
    }

    private static void requireFitting(Path questions, List<TaskItem> items, int index, TaskAnswer answer) {
        int choices = index < items.size() ? items.get(index).choices().size() : 0;
        if (answer.sums().size() != choices || answer.greedy().size() != choices) {
            throw new InvalidInputException(questions + ": question " + index + " has " + choices
                    + " choices, an earlier answer to it is of " + answer.sums().size());
        }
    }

    /** A question to be scored, as tokens. */
    private record Pending(int index, List<Request> requests) {
        int tokens() {
            return requests.stream().mapToInt(Request::length).max().orElse(0);
        }
    }

    private List<Request> requests(TaskItem item) {
        List<Request> requests = new ArrayList<>();
        for (Choice choice : item.choices()) {
            requests.add(encoder.encode(item.where(), choice.context(), choice.continuation()));
        }
        return requests;
    }

    private Map<Integer, TaskAnswer> answer(List<Pending> questions) {
        List<Score> scores = model.score(questions.stream()
                .flatMap(question -> question.requests().stream())
                .toList());
        Map<Integer, TaskAnswer> answers = new LinkedHashMap<>();
        int at = 0;
        for (Pending question : questions) {
            List<Score> own = scores.subList(at, at += question.requests().size());
            answers.put(
                    question.index(),
                    new TaskAnswer(
                            own.stream().map(Score::sum).toList(),
                            own.stream().map(Score::greedy).toList()));
        }
        return answers;
    }

    private static TaskScore score(Task task, List<TaskItem> items, Map<Integer, TaskAnswer> answers) {
        Map<String, Double> figures = new LinkedHashMap<>();
        for (Metric metric : task.metrics()) {
            List<Double> values = IntStream.range(0, items.size())
                    .mapToObj(i -> metric.of(items.get(i), Objects.requireNonNull(answers.get(i))))
                    .toList();
            Metric.Value value = metric.aggregate(values);
            figures.put(metric.label(), value.value());
            figures.put(metric.label() + "_stderr", value.standardError());
        }
        return new TaskScore(task.label(), items.size(), figures);
    }
}
