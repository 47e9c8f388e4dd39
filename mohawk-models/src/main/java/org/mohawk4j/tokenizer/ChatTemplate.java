package org.mohawk4j.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tokenizer.jinja.Template;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;

/**
 * How a model was trained to read a conversation: the {@code chat_template} of a {@code tokenizer_config.json}, or a
 * {@code chat_template.jinja} beside it, which counts more. May be used by any number of threads.
 */
public final class ChatTemplate {
    private final Template template;
    private final Map<String, Object> specialTokens;
    private final Clock clock;

    private ChatTemplate(Template template, Map<String, Object> specialTokens, Clock clock) {
        this.template = template;
        this.specialTokens = specialTokens;
        this.clock = clock;
    }

    /**
     * The template of a model, if it has one.
     *
     * @param tokenizer the model's folder, or a tokenizer's file in it
     * @throws InvalidInputException if there are several and none is the default, or it is not a template
     */
    public static Optional<ChatTemplate> find(Path tokenizer) {
        return find(tokenizer, Clock.system(ZoneId.systemDefault()));
    }

    static Optional<ChatTemplate> find(Path tokenizer, Clock clock) {
        boolean isFolder = Files.isDirectory(tokenizer);
        TokenizerConfig config =
                TokenizerConfig.read(isFolder ? tokenizer.resolve(TokenizerJson.FILE_NAME) : tokenizer);
        String text = config.chatTemplates().get(TokenizerConfig.DEFAULT_TEMPLATE);
        if (text == null && !config.chatTemplates().isEmpty()) {
            throw new InvalidInputException(
                    tokenizer + ": expected a chat template named " + TokenizerConfig.DEFAULT_TEMPLATE + ", found "
                            + String.join(", ", config.chatTemplates().keySet()));
        }
        if (text == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ChatTemplate(Template.parse(text), config.specialTokens(), clock));
        } catch (TemplateException e) {
            throw new InvalidInputException(tokenizer + ": chat template: " + e.getMessage(), e);
        }
    }

    /** As {@link #find(Path)}, for a model that has to have one. */
    public static ChatTemplate require(Path tokenizer) {
        return find(tokenizer)
                .orElseThrow(() -> new InvalidInputException(tokenizer + ": expected a chat template in "
                        + TokenizerConfig.FILE_NAME + " or chat_template.jinja, found none"));
    }

    /** A message of a conversation. */
    public static Map<String, @Nullable Object> message(String role, String content) {
        Map<String, @Nullable Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    /**
     * The text of a conversation, with the beginning of the model's reply. Its special tokens are spelled out, BOS
     * included if the model expects one: it is to be encoded by {@link Tokenizer#encode}, which adds none.
     *
     * @param messages each with a {@code role} and whatever else the template reads, in the values of {@link Template}
     * @throws InvalidInputException with what the template says if it takes no such conversation
     */
    public String render(List<Map<String, @Nullable Object>> messages) {
        Map<String, @Nullable Object> names = new LinkedHashMap<>(specialTokens);
        names.put("messages", messages);
        names.put("add_generation_prompt", true);
        names.put("tools", null);
        names.put("documents", null);
        try {
            return template.render(names, clock);
        } catch (TemplateException e) {
            throw new InvalidInputException("chat template: " + e.getMessage(), e);
        }
    }
}
