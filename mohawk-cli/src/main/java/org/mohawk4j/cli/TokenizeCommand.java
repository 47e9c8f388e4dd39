package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.source.Shard;
import org.mohawk4j.data.stream.InMemoryText;
import org.mohawk4j.data.stream.TextTokens;
import org.mohawk4j.data.tokens.TokenFolderWriter;
import org.mohawk4j.data.tokens.TokenVocabulary;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.config.DataConfig;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.console.ConsoleProgress;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.run.RunData;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Turns texts into token files. */
@Command(
        name = "tokenize",
        description = "Tokenizes texts into token files, which training reads without a tokenizer.",
        modelTransformer = ConfigOptions.Texts.class)
final class TokenizeCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--text",
            paramLabel = "TEXT",
            required = true,
            description = "file, folder or 'pattern'; repeatable")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private List<String> texts;

    @Option(
            names = "--tokenizer",
            paramLabel = "FILE",
            required = true,
            description = "a tokenizer.json, or a folder with one")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path tokenizer;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "a new or empty folder")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path out;

    @Option(
            names = "--tokens-per-file",
            paramLabel = "N",
            defaultValue = "100000000",
            description = "start a new file after so many tokens, between documents (default: ${DEFAULT-VALUE})")
    private long tokensPerFile;

    @Override
    public void run() {
        if (tokensPerFile < 1) {
            throw new InvalidInputException(
                    "tokens-per-file: expected a whole number of at least 1, got " + tokensPerFile);
        }
        DataConfig data =
                DistillConfig.defaults().with(ConfigOptions.given(spec)).data();
        Mixture mixture = new Mixture(texts);
        List<Shard> files = InMemoryText.files(mixture);
        TokenizerJson ids = TokenizerJson.load(tokenizer, data.bos());
        Encoding encoding = RunData.encoding(data, ids, ids.vocabularySize());
        files.forEach(file -> file.requireFits(encoding));
        PrintWriter lines = spec.commandLine().getOut();
        RunData.reportSkippedFiles(mixture, new ConsoleProgressListener(lines));
        long start = System.nanoTime();
        TokenVocabulary vocabulary = new TokenVocabulary(
                encoding.vocabularySize(), encoding.beginOfText(), encoding.endOfText(), encoding.tokenizer());
        try (TokenFolderWriter writer = new TokenFolderWriter(out, vocabulary, tokensPerFile);
                TextTokens tokens = new TextTokens(files, encoding, data.stream())) {
            write(tokens, writer, files.stream().mapToLong(Shard::bytes).sum(), lines);
            if (writer.tokens() == 0) {
                throw new InvalidInputException("text " + String.join(" ", texts) + ": expected some text, found none");
            }
            writer.commit();
            lines.printf(
                    Locale.ROOT,
                    "tokens=%d documents=%d files=%d tokens_per_second=%.1f%n",
                    writer.tokens(),
                    writer.documents(),
                    writer.files(),
                    writer.tokens() / ((System.nanoTime() - start) / 1e9));
        }
    }

    private static void write(TextTokens tokens, TokenFolderWriter writer, long bytes, PrintWriter lines) {
        long start = System.nanoTime();
        try (ConsoleProgress progress = ConsoleProgress.start(lines, "bytes", Math.max(1, bytes))) {
            for (Optional<int[]> next = tokens.next(); next.isPresent(); next = tokens.next()) {
                writer.write(next.get());
                double speed = writer.tokens() / ((System.nanoTime() - start) / 1e9);
                progress.advance(
                        tokens.bytesBefore(),
                        String.format(Locale.ROOT, "%,d tokens, %,.0f tok/s", writer.tokens(), speed));
            }
        }
    }
}
