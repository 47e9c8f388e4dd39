package org.mohawk4j.examples;

import java.nio.file.Path;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.TextFile;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;

/**
 * Measures how well a student, or any other model, predicts a text: in windows side by side, each token from those before
 * it in its window.
 *
 * <p>Arguments: the model's folder; a file of text.
 */
public final class EvaluateStudent {
    private static final int CONTEXT = 128;

    private EvaluateStudent() {}

    public static void main(String[] args) {
        if (args.length != 2) {
            throw new IllegalArgumentException("expected two arguments: a model's folder, a text");
        }
        Perplexity.Score score = evaluate(Path.of(args[0]), Path.of(args[1]));
        System.out.printf(
                "nll per token %.4f, perplexity %.2f, %,d tokens%n",
                score.nllPerToken(), score.perplexity(), score.tokens());
    }

    static Perplexity.Score evaluate(Path folder, Path text) {
        TokenizerJson tokenizer = TokenizerJson.load(folder);
        TokenWindows windows = new TokenWindows(TokenSequence.encode(new TextFile(text), tokenizer::encode), CONTEXT);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm model = ModelFolder.loadForInference(engine, folder)) {
            return Perplexity.of(model, windows);
        }
    }
}
