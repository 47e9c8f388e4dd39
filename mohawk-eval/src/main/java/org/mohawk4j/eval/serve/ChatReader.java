package org.mohawk4j.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.serve.Completion.Prompt;
import org.mohawk4j.tokenizer.ChatTemplate;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.tokenizer.jinja.Template;

/**
 * Reads the body of a request to {@code /v1/chat/completions}, with OpenAI's names and defaults: the conversation becomes
 * a prompt by the model's chat template. What would change the answer and is not computed here is refused.
 */
final class ChatReader {
    private static final int MAX_DEPTH = 32;

    private static final List<String> EMPTY_ONLY =
            List.of("logit_bias", "tools", "functions", "modalities", "audio", "prediction");

    private final ChatTemplate template;
    private final Tokenizer tokenizer;
    private final CompletionReader prompts;
    private final long positions;
    private final RequestFields json;

    /** @param prompts checks what a prompt may be */
    ChatReader(ChatTemplate template, Tokenizer tokenizer, CompletionReader prompts, long positions, int maxBodyBytes) {
        this.template = template;
        this.tokenizer = tokenizer;
        this.prompts = prompts;
        this.positions = positions;
        this.json = new RequestFields(MAX_DEPTH, maxBodyBytes);
    }

    /**
     * Reads a body.
     *
     * @param room takes so many bytes of memory, or throws
     * @throws ApiException if the body cannot be answered
     */
    Completion read(byte[] body, LongConsumer room) {
        JsonNode request = json.parse(body);
        RequestFields.requireEmpty(request, EMPTY_ONLY);
        if (RequestFields.flag(request, "logprobs")) {
            throw ApiException.wrong("logprobs", "false, the only one supported in a chat");
        }
        JsonNode format = request.path("response_format").path("type");
        if (!RequestFields.isAbsent(format) && !format.asText().equals("text")) {
            throw ApiException.wrong("response_format", "text, the only one supported");
        }
        String text = render(messages(request.path("messages")));
        RequestFields.requireCharacters("messages", text);
        prompts.requireLength(text);
        room.accept(MemoryBudget.bytesOf(text));
        // the template spells out every special token, BOS as well
        Prompt prompt = prompts.prompt("messages", text, tokenizer.encode(text), 0);
        int maxTokens = maxTokens(request, prompt);
        prompts.requireFitting(prompt, maxTokens);
        return new Completion(
                List.of(prompt),
                RequestFields.decoding(request, maxTokens),
                new Completion.Output(
                        Completion.Form.CHAT,
                        OptionalInt.empty(),
                        false,
                        RequestFields.flag(request, "stream"),
                        RequestFields.usageInStream(request)));
    }

    /** By its new or its old name; as many as fit without. */
    private int maxTokens(JsonNode request, Prompt prompt) {
        int room = (int)
                Math.max(0, Math.min(Integer.MAX_VALUE, positions - prompt.ids().size()));
        int old = RequestFields.whole(request, "max_tokens", room, 0, Integer.MAX_VALUE);
        return RequestFields.whole(request, "max_completion_tokens", old, 0, Integer.MAX_VALUE);
    }

    private String render(List<Map<String, @Nullable Object>> messages) {
        try {
            return template.render(messages);
        } catch (InvalidInputException e) {
            throw ApiException.of(400, "invalid_value", String.valueOf(e.getMessage()));
        }
    }

    private static List<Map<String, @Nullable Object>> messages(JsonNode messages) {
        if (!messages.isArray() || messages.isEmpty()) {
            throw ApiException.wrong("messages", "a list of at least one message");
        }
        List<Map<String, @Nullable Object>> all = new ArrayList<>();
        for (JsonNode message : messages) {
            String where = "messages[" + all.size() + "]";
            if (!message.isObject() || !message.path("role").isTextual()) {
                throw ApiException.wrong(where, "an object with a text as role");
            }
            Map<String, @Nullable Object> values =
                    ChatTemplate.message(message.path("role").asText(), "");
            message.properties().forEach(field -> values.put(field.getKey(), Template.value(field.getValue())));
            values.put(
                    "content",
                    content(where + ".content", message.path("content")).orElse(null));
            all.add(values);
        }
        return all;
    }

    /** A text, or a list of parts that are texts; a message of tool calls has none. */
    private static Optional<String> content(String where, JsonNode content) {
        if (RequestFields.isAbsent(content)) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content.isArray() ? content : List.of(content)) {
            JsonNode own = part.isObject() && part.path("type").asText().equals("text") ? part.path("text") : part;
            if (!own.isTextual()) {
                throw ApiException.wrong(where, "a text or a list of parts of type text");
            }
            text.append(Objects.requireNonNull(own.textValue()));
        }
        RequestFields.requireCharacters(where, text.toString());
        return Optional.of(text.toString());
    }
}
