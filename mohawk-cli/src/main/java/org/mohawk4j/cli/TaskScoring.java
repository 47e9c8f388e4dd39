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
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.likelihood.ModelLogLikelihood;
import org.mohawk4j.eval.recall.Recall;
import org.mohawk4j.eval.recall.RecallTask;
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
    static final String NAMES = "of lambada, hellaswag, piqa, arc_easy, arc_challenge, winogrande, and recall";

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private static final int RECALL_PROMPTS = 64;

    private final Map<Task, Path> files = new LinkedHashMap<>();
    private final List<Integer> distances;
    private final Path folder;
    private final PrintWriter out;

    /**
     * Finds the tasks' files and reads them once, so that what is wrong is said before a model is loaded.
     *
     * @param data the tasks' files, which recall has none of
     * @param distances that recall is asked over; none if it is not among the names
     * @param folder for the answers, made when the first are there
     */
    TaskScoring(List<String> names, Optional<Path> data, List<Integer> distances, Path folder, PrintWriter out) {
        this.distances = distances;
        this.folder = folder;
        this.out = out;
        for (String name : names) {
            if (isRecall(name)) {
                continue;
            }
            Task task = Task.named(name);
            Path file = task.file(data.orElseThrow());
            task.requireReadable(file);
            files.put(task, file);
        }
    }

    /** Checks that all tasks are known, and that there is a folder for those with files alone. */
    static void requireData(List<String> names, Optional<Path> data) {
        List<Task> tasks =
                names.stream().filter(name -> !isRecall(name)).map(Task::named).toList();
        if (data.isEmpty() && !tasks.isEmpty()) {
            throw new InvalidInputException("task-data: expected --task-data DIR with the file of task "
                    + tasks.get(0).label() + ", found none");
        }
        if (data.isPresent() && tasks.isEmpty()) {
            throw new InvalidInputException(
                    "tasks: expected --tasks NAME,… of those with files in --task-data " + data.get() + ", found none");
        }
    }

    static boolean isRecall(String name) {
        return name.strip().toLowerCase(Locale.ROOT).equals(Recall.NAME);
    }

    /** Scores a model by what it generates: the share of right answers, in all, by task, and by task and distance. */
    private TaskScore recall(CausalLm model, Recall asked) {
        Map<RecallTask, Map<Integer, Double>> scores = asked.scores(model, distances);
        List<Double> shares =
                scores.values().stream().flatMap(own -> own.values().stream()).toList();
        double right = mean(shares);
        int items = asked.prompts() * shares.size();
        Map<String, Double> figures = new LinkedHashMap<>();
        figures.put("acc", right);
        figures.put("acc_stderr", Math.sqrt(right * (1 - right) / (items - 1)));
        scores.forEach((task, own) -> {
            figures.put(task.label(), mean(own.values()));
            own.forEach((distance, share) -> figures.put(task.label() + "_" + distance, share));
        });
        return new TaskScore(Recall.NAME, items, figures);
    }

    private static double mean(Collection<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }

    /** @param modelFolder hashed, so that answers are never those of another model */
    void run(Path modelFolder, CausalLm model, Tokenizer tokenizer, Precision dtype) {
        Map<String, String> identity = new LinkedHashMap<>();
        identity.put("model", FileHash.ofModel(modelFolder));
        identity.put("dtype", dtype.name().toLowerCase(Locale.ROOT));
        // answers of earlier versions, which have no such key, are compared as none
        OptionalInt bos = tokenizer.beginOfText();
        identity.put("bos", bos.isPresent() ? String.valueOf(bos.getAsInt()) : "none");
        Optional<Recall> asked = distances.isEmpty()
                ? Optional.empty()
                : Optional.of(Recall.of(
                        tokenizer, Math.toIntExact(model.config().vocabulary()), distances, RECALL_PROMPTS, 0));
        List<TaskScore> scores = new ArrayList<>();
        makeFolder();
        if (!files.isEmpty()) {
            scores.addAll(answered(model, tokenizer, identity));
        }
        asked.ifPresent(prompts -> scores.add(recall(model, prompts)));
        AtomicFile.write(folder.resolve("tasks.json"), json(identity, scores).getBytes(StandardCharsets.UTF_8));
        if (!files.isEmpty()) {
            out.println("answers   " + folder.resolve("answers.jsonl"));
        }
        out.println("scores    " + folder.resolve("tasks.json"));
        scores.forEach(score -> out.println(line(score)));
    }

    private List<TaskScore> answered(CausalLm model, Tokenizer tokenizer, Map<String, String> identity) {
        TaskEvaluation evaluation = new TaskEvaluation(
                new ModelLogLikelihood(model), tokenizer, model.config().maxPositions());
        List<TaskScore> scores = new ArrayList<>();
        try (TaskAnswers answers = TaskAnswers.open(folder.resolve("answers.jsonl"), identity)) {
            files.forEach((task, file) -> {
                try (Lazily progress = new Lazily(task)) {
                    scores.add(evaluation.run(task, file, answers, progress));
                }
            });
        }
        return scores;
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
