package org.mohawk4j.train.evaluation.tasks;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.ConfigNode;

/** A task: which file holds its questions, how they are put, and how the answers are judged. */
public final class Task {
    private static final List<Task> ALL = List.of(
            new Task(
                    "lambada",
                    TaskItems::lambada,
                    List.of(Metric.EXACT, Metric.PERPLEXITY),
                    new TaskFile(
                            List.of("lambada", "lambada_openai"),
                            List.of("lambada.jsonl", "lambada_test.jsonl", "lambada_test_en.jsonl"),
                            List.of("test.jsonl"))),
            new Task(
                    "hellaswag",
                    TaskItems::hellaswag,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("hellaswag"),
                            List.of("hellaswag.jsonl", "hellaswag_val.jsonl"),
                            List.of("val.jsonl", "validation.jsonl"))),
            new Task(
                    "piqa",
                    TaskItems::piqa,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("piqa", "physicaliqa-train-dev"),
                            List.of("piqa.jsonl"),
                            List.of("valid.jsonl", "validation.jsonl", "dev.jsonl"))),
            new Task(
                    "arc_easy",
                    TaskItems::arc,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("arc_easy", "ARC-Easy", "ARC-V1-Feb2018-2/ARC-Easy"),
                            List.of("arc_easy.jsonl", "ARC-Easy-Test.jsonl"),
                            List.of("test.jsonl"))),
            new Task(
                    "arc_challenge",
                    TaskItems::arc,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("arc_challenge", "ARC-Challenge", "ARC-V1-Feb2018-2/ARC-Challenge"),
                            List.of("arc_challenge.jsonl", "ARC-Challenge-Test.jsonl"),
                            List.of("test.jsonl"))),
            new Task(
                    "winogrande",
                    TaskItems::winogrande,
                    List.of(Metric.ACC),
                    new TaskFile(
                            List.of("winogrande", "winogrande_1.1"),
                            List.of("winogrande.jsonl"),
                            List.of("dev.jsonl", "validation.jsonl"))));

    private final String label;
    private final BiFunction<ConfigNode, Optional<String>, TaskItem> parser;
    private final List<Metric> metrics;
    private final TaskFile file;

    private Task(
            String label,
            BiFunction<ConfigNode, Optional<String>, TaskItem> parser,
            List<Metric> metrics,
            TaskFile file) {
        this.label = label;
        this.parser = parser;
        this.metrics = metrics;
        this.file = file;
    }

    /** The names of all tasks. */
    public static List<String> labels() {
        return ALL.stream().map(Task::label).toList();
    }

    /**
     * The task of a name, such as {@code arc_easy}.
     *
     * @throws InvalidInputException if there is none
     */
    public static Task named(String name) {
        return ALL.stream()
                .filter(task -> task.label.equals(name))
                .findFirst()
                .orElseThrow(() -> new InvalidInputException(
                        "tasks: expected some of " + String.join(", ", labels()) + ", found '" + name + "'"));
    }

    /** The name on the command line and in results. */
    public String label() {
        return label;
    }

    /**
     * The file of its questions in a folder of data sets.
     *
     * @throws InvalidInputException if there is none, or several could be meant
     */
    public Path file(Path folder) {
        return file.in(folder, label);
    }

    /**
     * Reads the questions of a file and lets go of them.
     *
     * @throws InvalidInputException naming the line that is not a question of this task
     */
    public void requireReadable(Path questions) {
        items(questions);
    }

    /** The questions of a file. */
    List<TaskItem> items(Path questions) {
        return file.read(questions, parser);
    }

    List<Metric> metrics() {
        return metrics;
    }
}
