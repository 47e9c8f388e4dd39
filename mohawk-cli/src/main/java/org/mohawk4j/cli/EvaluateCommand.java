package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.cli.option.ModelOptions;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.eval.recall.Recall;
import org.mohawk4j.io.Folders;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.config.DataConfig;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.run.OutputFolder;
import org.mohawk4j.train.run.RunData;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how good a teacher or a student is: on a text, against its teacher, at tasks. */
@Command(
        name = "evaluate",
        description = "Evaluates a model, teacher or student. With --text: perplexity of a text in consecutive windows"
                + " without overlap; with --teacher also the agreement with another model. With --tasks: zero-shot"
                + " tasks.",
        modelTransformer = ConfigOptions.TextsAndMachine.class)
final class EvaluateCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(names = "--text", paramLabel = "TEXT", description = "file, folder or 'pattern'; repeatable")
    private List<String> texts = List.of();

    @Option(
            names = "--teacher",
            paramLabel = "DIR",
            description = "model to compare with on the text: agreement on the next token, and a report of differences")
    private Optional<Path> teacher = Optional.empty();

    @Option(
            names = "--tasks",
            paramLabel = "NAME,…",
            split = ",",
            hideParamSyntax = true,
            description = TaskScoring.NAMES)
    private List<String> tasks = List.of();

    @Option(names = "--task-data", paramLabel = "DIR", description = "folder with the tasks' files")
    private Optional<Path> taskData = Optional.empty();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description =
                    "folder for the report and the tasks' answers, from which a killed run resumes (default: a new"
                            + " one in runs)")
    private Optional<Path> out = Optional.empty();

    @Option(
            names = "--context",
            paramLabel = "T",
            defaultValue = "512",
            description = "tokens per window (default: ${DEFAULT-VALUE})")
    private int context;

    @Option(
            names = "--windows",
            paramLabel = "N",
            defaultValue = "0",
            description = "at most, 0 for all (default: ${DEFAULT-VALUE})")
    private int windows;

    @Override
    public void run() {
        requireSomethingToDo();
        DistillConfig config = model.config(texts.isEmpty() ? Map.of() : Map.of("text", texts));
        CausalLmConfig dimensions = ModelFolder.config(model.folder());
        TokenizerJson ids = model.tokenizer();
        Optional<TokenWindows> read = config.files().text().map(text -> windows(text, config.data(), ids, dimensions));
        PrintWriter printed = spec.commandLine().getOut();
        config.files().text().ifPresent(all -> RunData.reportSkippedFiles(all, new ConsoleProgressListener(printed)));
        Path folder = out.orElseGet(() -> OutputFolder.of("evaluate"));
        if (teacher.isPresent() || !tasks.isEmpty()) {
            Folders.requireWritable(folder);
        }
        Optional<TaskScoring> scoring = tasks.isEmpty()
                ? Optional.empty()
                : Optional.of(new TaskScoring(tasks, taskData, distances(dimensions), folder, printed));
        Optional<TeacherComparison> comparison = teacher.map(other -> new TeacherComparison(other, folder, printed));
        try (Engine engine = model.engine();
                CausalLm loaded = model.load(engine)) {
            read.ifPresent(all -> {
                all.tokens().requireVocabulary(Math.toIntExact(loaded.config().vocabulary()));
                String score = ScoreLine.of("", Perplexity.of(loaded, all, windows));
                Optional<String> agreement;
                try {
                    agreement = comparison.map(compared -> compared.run(model.folder(), loaded, all, windows));
                } finally {
                    printed.println(score);
                }
                agreement.ifPresent(printed::println);
            });
            scoring.ifPresent(asked ->
                    asked.run(model.folder(), loaded, ids, config.machine().dtype()));
        }
    }

    private void requireSomethingToDo() {
        if (texts.isEmpty() && tasks.isEmpty()) {
            throw new InvalidInputException("expected --text TEXT or --tasks NAME,… or both, found neither");
        }
        if (teacher.isPresent() && texts.isEmpty()) {
            throw new InvalidInputException("teacher: expected --text TEXT to compare on, found none");
        }
        TaskScoring.requireData(tasks, taskData);
        if (windows < 0) {
            throw new InvalidInputException("windows: expected a whole number of at least 0, got " + windows);
        }
    }

    /** That recall is asked over: those that fit the context, and the model. */
    private List<Integer> distances(CausalLmConfig dimensions) {
        return tasks.stream().anyMatch(TaskScoring::isRecall)
                ? Recall.distances(Math.toIntExact(Math.min(context, dimensions.maxPositions())))
                : List.of();
    }

    /** The windows of a text, if they fit the model. */
    private TokenWindows windows(Mixture text, DataConfig data, TokenizerJson ids, CausalLmConfig dimensions) {
        long positions = dimensions.maxPositions();
        if (context < 1 || context > positions) {
            throw new InvalidInputException(
                    "context: expected 1 to " + positions + ", the model's positions, got " + context);
        }
        int vocabulary = Math.toIntExact(dimensions.vocabulary());
        return new TokenWindows(RunData.toEvaluate(text, data, ids, vocabulary, windows, context), context);
    }
}
