package org.mohawk4j.train.run;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.stream.InMemoryText;
import org.mohawk4j.data.stream.StreamingDataset;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.config.DataConfig;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.sample.TeacherCorpus;

/**
 * The training and validation data of a run. One text file of moderate size is read as a whole, and its order is
 * random throughout; everything else is streamed.
 */
public record RunData(Dataset training, TokenSequence heldOut, String description) {
    /** How often a run reads what the teacher wrote for it: to write a token takes as long as to train on one. */
    private static final int PASSES = 2;

    private static final int SHOWN_FILES = 5;

    /**
     * The texts that a configuration names, or those that the teacher writes.
     *
     * @param listener told of files that are not read, and while the teacher writes
     * @throws InvalidInputException if there are no such texts, or they do not fit the teacher
     */
    public static RunData of(
            DistillConfig config, CausalLm teacher, TokenizerJson tokenizer, TrainingListener listener) {
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        Optional<TokenSequence> valid = config.files()
                .valid()
                .map(mixture -> toEvaluate(
                        mixture,
                        config.data(),
                        tokenizer,
                        vocabulary,
                        config.evaluation().windows(),
                        config.training().context()));
        config.files().valid().ifPresent(texts -> reportSkippedFiles(texts, listener));
        Optional<Mixture> streamed = config.files().text().filter(mixture -> !InMemoryText.fitsInMemory(mixture));
        config.files().text().ifPresent(texts -> reportSkippedFiles(texts, listener));
        return streamed.isPresent()
                ? streamed(streamed.get(), valid, config, encoding(config.data(), tokenizer, vocabulary))
                : inMemory(valid, config, teacher, tokenizer, listener);
    }

    /** Says which files of the folders of texts are not read, of which nobody could tell otherwise. */
    public static void reportSkippedFiles(Mixture texts, TrainingListener listener) {
        List<Path> files = texts.skippedFiles();
        if (!files.isEmpty()) {
            String shown = files.stream().limit(SHOWN_FILES).map(Path::toString).collect(Collectors.joining(", "));
            listener.onFact(
                    "not read",
                    String.format(
                            Locale.ROOT,
                            "%,d %s of no known kind: %s%s",
                            files.size(),
                            files.size() == 1 ? "file" : "files",
                            shown,
                            files.size() > SHOWN_FILES ? ", …" : ""));
        }
    }

    /**
     * How texts become tokens that are streamed.
     *
     * @throws InvalidInputException if the tokenizer has no end-of-text token
     */
    public static Encoding encoding(DataConfig data, TokenizerJson tokenizer, int vocabulary) {
        int endOfText = tokenizer
                .endOfText()
                .orElseThrow(() -> new InvalidInputException(
                        "tokenizer: expected an end-of-text token to stand between documents, found none"));
        return new Encoding(
                tokenizer::encode,
                tokenizer.beginOfText(),
                endOfText,
                vocabulary,
                data.textField(),
                tokenizer.sha256());
    }

    /**
     * The tokens of a text to evaluate on, or of as much of it as some windows take.
     *
     * @param windows at most, 0 for all
     */
    public static TokenSequence toEvaluate(
            Mixture text, DataConfig data, TokenizerJson tokenizer, int vocabulary, long windows, int context) {
        if (InMemoryText.fitsInMemory(text)) {
            return InMemoryText.read(text, tokenizer::encodeFromStart);
        }
        long tokens = windows == 0 ? Long.MAX_VALUE : windows * context + 1;
        return InMemoryText.read(text, encoding(data, tokenizer, vocabulary), data.stream(), tokens);
    }

    private static RunData streamed(
            Mixture text, Optional<TokenSequence> valid, DistillConfig config, Encoding encoding) {
        TokenSequence heldOut = valid.orElseThrow(() -> new InvalidInputException(
                "valid: expected texts to evaluate on beside " + text + ", which is streamed, found none"));
        StreamingDataset corpus = StreamingDataset.of(text, encoding, config.data().stream());
        String description = String.format(
                Locale.ROOT,
                "%,d bytes in %,d files to train on, streamed, %,d tokens held out",
                corpus.bytes(),
                corpus.files(),
                heldOut.length());
        return new RunData(corpus, heldOut, description);
    }

    private static RunData inMemory(
            Optional<TokenSequence> valid,
            DistillConfig config,
            CausalLm teacher,
            TokenizerJson tokenizer,
            TrainingListener listener) {
        TokenSequence text = config.files()
                .text()
                .map(mixture -> InMemoryText.read(mixture, tokenizer::encodeFromStart))
                .orElseGet(() -> written(config, teacher, tokenizer, valid.isPresent(), listener));
        TokenSequence.Split split = valid.map(other -> new TokenSequence.Split(text, other))
                .orElseGet(() -> text.splitLast(
                        config.evaluation().heldOut(), config.training().context()));
        TokenSequence training = split.training()
                .requireVocabulary(Math.toIntExact(teacher.config().vocabulary()));
        String description = String.format(
                Locale.ROOT,
                "%,d tokens to train on, %,d held out",
                training.length(),
                split.heldOut().length());
        return new RunData(Dataset.of(training), split.heldOut(), description);
    }

    private static TokenSequence written(
            DistillConfig config,
            CausalLm teacher,
            TokenizerJson tokenizer,
            boolean hasValid,
            TrainingListener listener) {
        double training = (double) config.training().allTokens() / PASSES;
        double heldOut = config.evaluation().heldOut();
        return TeacherCorpus.write(
                teacher,
                tokenizer.prefix().orElse(0),
                (long) Math.ceil(hasValid ? training : training / (1 - heldOut)),
                config.training().context(),
                config.training().seed(),
                listener::onTextWritten);
    }
}
