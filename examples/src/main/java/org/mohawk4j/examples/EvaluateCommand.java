package org.mohawk4j.examples;

import java.nio.file.Path;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.data.TextFile;
import org.mohawk4j.train.data.TokenSequence;
import org.mohawk4j.train.data.TokenWindows;
import org.mohawk4j.train.evaluation.Perplexity;
import org.mohawk4j.train.run.DistillConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how well a teacher or a student predicts a text. */
@Command(
        name = "evaluate",
        description = "Measures how well a model, teacher or student, predicts a text: consecutive windows without"
                + " overlap, each token from its own window.",
        modelTransformer = ConfigOptions.Machine.class)
final class EvaluateCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", paramLabel = "DIR", required = true, description = "the model's folder")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path model;

    @Option(names = "--text", paramLabel = "FILE", required = true, description = "UTF-8")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path text;

    @Option(names = "--tokenizer", paramLabel = "FILE", description = "without, tokenizer.json in the model's folder")
    private Optional<Path> tokenizer = Optional.empty();

    @Option(
            names = "--context",
            paramLabel = "T",
            defaultValue = "512",
            description = "tokens in a window (default: ${DEFAULT-VALUE})")
    private int context;

    @Option(
            names = "--windows",
            paramLabel = "N",
            defaultValue = "0",
            description = "at most, 0 for all (default: ${DEFAULT-VALUE})")
    private int windows;

    @Override
    public void run() {
        long positions = ModelFolder.config(model).maxPositions();
        if (context < 1 || context > positions) {
            throw new InvalidInputException(
                    "context: expected 1 to " + positions + ", the model's positions, got " + context);
        }
        if (windows < 0) {
            throw new InvalidInputException("windows: expected a whole number of at least 0, got " + windows);
        }
        DistillConfig machine = DistillConfig.defaults().with(ConfigOptions.given(spec));
        TokenizerJson ids = TokenizerJson.load(tokenizer.orElse(model));
        TokenSequence tokens = TokenSequence.encode(new TextFile(text), ids::encode);
        TokenWindows all = new TokenWindows(tokens, context);
        try (Engine engine = ConfigOptions.open(machine);
                CausalLm loaded = ModelFolder.load(engine, model)) {
            tokens.requireVocabulary(Math.toIntExact(loaded.config().vocabulary()));
            spec.commandLine().getOut().println(ScoreLine.of("", Perplexity.of(loaded, all, windows)));
        }
    }
}
