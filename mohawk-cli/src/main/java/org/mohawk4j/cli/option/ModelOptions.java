package org.mohawk4j.cli.option;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.config.DistillConfig;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which model a command uses, with which tokenizer, and on what it computes. */
public final class ModelOptions {
    /** Of the command, which {@link ConfigOptions} has given the options of the machine. */
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--model", paramLabel = "DIR", required = true, description = "the model's folder")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path model;

    @Option(names = "--tokenizer", paramLabel = "FILE", description = "without, tokenizer.json in the model's folder")
    private Optional<Path> tokenizer = Optional.empty();

    /** The model's folder. */
    public Path folder() {
        return model;
    }

    /** The folder with the files of the tokenizer. */
    public Path tokenizerPath() {
        return tokenizer.orElse(model);
    }

    /** The tokenizer, none of whose ids lacks a row in the model's embedding. */
    public TokenizerJson tokenizer() {
        long rows = ModelFolder.config(model).vocabulary();
        TokenizerJson loaded =
                TokenizerJson.load(tokenizerPath(), config().data().bos());
        loaded.requireRows(rows);
        return loaded;
    }

    /** The defaults of a run under the options that were given. */
    public DistillConfig config() {
        return config(Map.of());
    }

    /** @param more values by key, from options of the command's own */
    public DistillConfig config(Map<String, ?> more) {
        return DistillConfig.defaults().with(ConfigOptions.given(command)).with(more);
    }

    /** The backend of the options. */
    public Engine engine() {
        return config().machine().open();
    }

    /** The model, which the caller closes. */
    public CausalLm load(Engine engine) {
        return ModelFolder.loadForInference(engine, model);
    }
}
