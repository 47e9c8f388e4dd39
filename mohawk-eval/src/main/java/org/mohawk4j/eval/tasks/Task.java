package org.mohawk4j.eval.tasks;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.recall.Recall;
import org.mohawk4j.io.ConfigNode;

/** A task: which file holds its questions, how they are put, and how the answers are judged. */
public final class Task {
    private static final List<Task> ALL = List.of(
            new Task(
                    List.of("lambada", "lambada_openai", "lambada_openai_mt_en"),
                    TaskItems::lambada,
                    List.of(Metric.EXACT, Metric.PERPLEXITY),
                    new TaskFile(
                            List.of("lambada", "lambada_openai"),
                            List.of("lambada.jsonl", "lambada_test.jsonl", "lambada_test_en.jsonl"),
                            List.of("test.jsonl"))),
            new Task(
                    List.of("hellaswag"),
                    TaskItems::hellaswag,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("hellaswag"),
                            List.of("hellaswag.jsonl", "hellaswag_val.jsonl"),
                            List.of("val.jsonl", "validation.jsonl"))),
            new Task(
                    List.of("piqa"),
                    TaskItems::piqa,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("piqa", "physicaliqa-train-dev"),
                            List.of("piqa.jsonl"),
                            List.of("valid.jsonl", "validation.jsonl", "dev.jsonl"))),
            new Task(
                    List.of("arc_easy"),
                    TaskItems::arc,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("arc_easy", "ARC-Easy", "ARC-V1-Feb2018-2/ARC-Easy"),
                            List.of("arc_easy.jsonl", "ARC-Easy-Test.jsonl"),
                            List.of("test.jsonl"))),
            new Task(
                    List.of("arc_challenge"),
                    TaskItems::arc,
                    List.of(Metric.ACC, Metric.ACC_NORM),
                    new TaskFile(
                            List.of("arc_challenge", "ARC-Challenge", "ARC-V1-Feb2018-2/ARC-Challenge"),
                            List.of("arc_challenge.jsonl", "ARC-Challenge-Test.jsonl"),
                            List.of("test.jsonl"))),
            new Task(
                    List.of("winogrande"),
                    TaskItems::winogrande,
                    List.of(Metric.ACC),
                    new TaskFile(
                            List.of("winogrande", "winogrande_1.1"),
                            List.of("winogrande.jsonl"),
                            List.of("dev.jsonl", "validation.jsonl"))));

    /** Of lm-evaluation-harness, the one in results first. */
    private final List<String> names;

    private final BiFunction<ConfigNode, Optional<String>, TaskItem> parser;
    private final List<Metric> metrics;
    private final TaskFile file;

    private Task(
            List<String> names,
            BiFunction<ConfigNode, Optional<String>, TaskItem> parser,
            List<Metric> metrics,
            TaskFile file) {
        this.names = names;
        this.parser = parser;
        this.metrics = metrics;
        this.file = file;
    }

    /** The names of all tasks, one of each. */
    public static List<String> labels() {
        return ALL.stream().map(Task::label).toList();
    }

    /**
     * The task of a name, such as {@code arc_easy}. Names are those of lm-evaluation-harness, in upper or lower case, with
     * spaces around them or not.
     *
     * @throws InvalidInputException if there is none
     */
    public static Task named(String name) {
        String known = name.strip().toLowerCase(Locale.ROOT).replace('-', '_');
        return ALL.stream()
                .filter(task -> task.names.contains(known))
                .findFirst()
                .orElseThrow(() -> new InvalidInputException("tasks: expected some of " + String.join(", ", labels())
                        + ", " + Recall.NAME + ", found '" + name + "'"));
    }

    /** The name in results. */
    public String label() {
        return names.get(0);
    }

    /**
     * The file of its questions in a folder of data sets.
     *
     * @throws InvalidInputException if there is none, or several could be meant
     */
    public Path file(Path folder) {
        return file.in(folder, label());
    }

    /**
     * Reads and checks the questions of a file without keeping them.
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
