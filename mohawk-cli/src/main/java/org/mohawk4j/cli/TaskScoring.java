package org.mohawk4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.mohawk4j.eval.likelihood.ModelLogLikelihood;
import org.mohawk4j.eval.tasks.FileHash;
import org.mohawk4j.eval.tasks.Task;
import org.mohawk4j.eval.tasks.TaskAnswers;
import org.mohawk4j.eval.tasks.TaskEvaluation;
import org.mohawk4j.eval.tasks.TaskScore;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.console.ConsoleProgress;

/** Puts tasks to a model: answers as they come in {@code answers.jsonl}, at the end the scores in {@code tasks.json}. */
final class TaskScoring {
    static final String NAMES = "of lambada, hellaswag, piqa, arc_easy, arc_challenge, winogrande";

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Map<Task, Path> files = new LinkedHashMap<>();
    private final Path folder;
    private final PrintWriter out;

    /**
     * Finds the tasks' files and reads them once, so that what is wrong is said before a model is loaded.
     *
     * @param folder for the answers, made when the first are there
     */
    TaskScoring(List<String> names, Path data, Path folder, PrintWriter out) {
        this.folder = folder;
        this.out = out;
        for (String name : names) {
            Task task = Task.named(name);
            Path file = task.file(data);
            task.requireReadable(file);
            files.put(task, file);
        }
    }

    /** @param modelFolder hashed, so that answers are never those of another model */
    void run(Path modelFolder, CausalLm model, Tokenizer tokenizer, Precision dtype) {
        Map<String, String> identity = new LinkedHashMap<>();
        identity.put("model", FileHash.ofModel(modelFolder));
        identity.put("dtype", dtype.name().toLowerCase(Locale.ROOT));
        // answers of versions that knew of no BOS token stay good where there is none
        tokenizer.beginOfText().ifPresent(id -> identity.put("bos", String.valueOf(id)));
        TaskEvaluation evaluation = new TaskEvaluation(
                new ModelLogLikelihood(model), tokenizer, model.config().maxPositions());
        List<TaskScore> scores = new ArrayList<>();
        makeFolder();
        try (TaskAnswers answers = TaskAnswers.open(folder.resolve("answers.jsonl"), identity)) {
            files.forEach((task, file) -> {
                try (Lazily progress = new Lazily(task)) {
                    scores.add(evaluation.run(task, file, answers, progress));
                }
            });
        }
        AtomicFile.write(folder.resolve("tasks.json"), json(identity, scores).getBytes(StandardCharsets.UTF_8));
        out.println("answers   " + folder.resolve("answers.jsonl"));
        out.println("scores    " + folder.resolve("tasks.json"));
        scores.forEach(score -> out.println(line(score)));
    }

    private void makeFolder() {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
    }

    /** ConsoleProgress, whose total is known with the first answers. */
    private final class Lazily implements TaskEvaluation.Listener, AutoCloseable {
        private final List<ConsoleProgress> shown = new ArrayList<>();
        private final Task task;

        Lazily(Task task) {
            this.task = task;
        }

        @Override
        public void answered(Task asked, int done, int total) {
            if (shown.isEmpty()) {
                shown.add(ConsoleProgress.start(out, task.label(), total));
            }
            shown.get(0).advance(done, "questions");
        }

        @Override
        public void close() {
            shown.forEach(ConsoleProgress::close);
        }
    }

    private static String line(TaskScore score) {
        StringBuilder line = new StringBuilder("task=" + score.task() + " items=" + score.items());
        score.figures().forEach((name, value) -> line.append(String.format(Locale.ROOT, " %s=%.6f", name, value)));
        return line.toString();
    }

    private static String json(Map<String, String> identity, List<TaskScore> scores) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        identity.forEach(json::put);
        ObjectNode tasks = json.putObject("tasks");
        for (TaskScore score : scores) {
            ObjectNode task = tasks.putObject(score.task());
            task.put("items", score.items());
            score.figures().forEach((name, value) -> {
                if (Double.isFinite(value)) {
                    task.put(name, value);
                } else {
                    task.putNull(name);
                }
            });
        }
        try {
            return JSON.writeValueAsString(json) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("scores cannot be written as JSON", e);
        }
    }
}
