package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.cli.option.ModelOptions;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.ChatTemplate;
import org.mohawk4j.tokenizer.StreamingDecoder;
import org.mohawk4j.tokenizer.TokenizerJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Continues a text. */
@Command(
        name = "generate",
        description = "Continues a text with a model, teacher or student, token by token.",
        modelTransformer = ConfigOptions.Model.class)
final class GenerateCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "text to continue (default: none, the model starts a text)")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private String prompt;

    @Option(names = "--chat", description = "treat the prompt as a user message, and print only the model's reply")
    private boolean chat;

    @Option(names = "--system", paramLabel = "TEXT", description = "with --chat: the system message")
    private Optional<String> system = Optional.empty();

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "100",
            description = "maximum number of new tokens (default: ${DEFAULT-VALUE})")
    private int maxTokens;

    @Option(
            names = "--temperature",
            paramLabel = "X",
            description = "0 for greedy decoding (default: 0, or 1 with --top-k or --top-p)")
    private Optional<Double> temperature = Optional.empty();

    @Option(names = "--top-k", paramLabel = "K", description = "sample from the K most likely tokens")
    private Optional<Integer> topK = Optional.empty();

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "sample from the smallest set of tokens with probability P (nucleus sampling)")
    private Optional<Double> topP = Optional.empty();

    @Option(names = "--seed", paramLabel = "S", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
    private long seed;

    @Override
    public void run() {
        if (maxTokens < 0) {
            throw new InvalidInputException("max-tokens: expected a whole number of at least 0, got " + maxTokens);
        }
        if (system.isPresent() && !chat) {
            throw new InvalidInputException("system: expected --chat beside it, found none");
        }
        boolean sampled = topK.isPresent() || topP.isPresent();
        Sampling sampling = new Sampling(temperature.orElse(sampled ? 1.0 : 0.0), topK.orElse(0), topP.orElse(1.0));
        TokenizerJson words = model.tokenizer();
        Optional<String> conversation = chat ? Optional.of(conversation()) : Optional.empty();
        try (Engine engine = model.engine();
                CausalLm loaded = model.load(engine)) {
            int[] start = conversation.map(words::encode).orElseGet(() -> start(words));
            requireVocabulary(loaded, start);
            out().print(chat ? "" : prompt);
            write(
                    new Generator(loaded, sampling, seed),
                    start,
                    StreamingDecoder.behind(words, words.encode(conversation.orElse(prompt))),
                    words);
        }
    }

    /** By the chat template, which spells out the special tokens. */
    private String conversation() {
        List<Map<String, @Nullable Object>> messages = new ArrayList<>();
        system.ifPresent(text -> messages.add(ChatTemplate.message("system", text)));
        messages.add(ChatTemplate.message("user", prompt));
        return ChatTemplate.require(model.tokenizerPath()).render(messages);
    }

    /** The prompt's ids, or the one that a text begins with. */
    private int[] start(TokenizerJson words) {
        int[] ids = words.encodeFromStart(prompt);
        return ids.length == 0 && words.prefix().isPresent()
                ? new int[] {words.prefix().getAsInt()}
                : ids;
    }

    private static void requireVocabulary(CausalLm loaded, int... ids) {
        TokenSequence.of("prompt", ids)
                .requireVocabulary(Math.toIntExact(loaded.config().vocabulary()));
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private void write(Generator generator, int[] start, StreamingDecoder decoder, TokenizerJson words) {
        PrintWriter out = out();
        out.flush();
        generator.generate(start, maxTokens, words.stops(), id -> {
            out.print(decoder.next(id));
            out.flush();
        });
        out.println(decoder.finish());
    }
}
