package org.mohawk4j.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;
import org.mohawk4j.eval.serve.Completion.Prompt;
import org.mohawk4j.tokenizer.Tokenizer;

/**
 * Reads the body of a request to {@code /v1/completions}, with OpenAI's names and defaults. What would change the answer
 * and is not computed here is refused; other fields are passed over.
 */
final class CompletionReader {
    private static final int MAX_DEPTH = 8;
    private static final int MAX_LOGPROBS = 20;
    private static final int DEFAULT_MAX_TOKENS = 16;

    /** Of a text prompt for each of the model's positions: many times what text has. */
    private static final int MOST_CHARACTERS = 64;

    private static final List<String> EMPTY_ONLY = List.of("suffix", "logit_bias");

    private final Tokenizer tokenizer;
    private final int vocabulary;
    private final long positions;
    private final RequestFields json;

    /**
     * @param vocabulary of the model
     * @param positions of the model, which prompt and continuation share
     */
    CompletionReader(Tokenizer tokenizer, int vocabulary, long positions, int maxBodyBytes) {
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
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
        int choices = RequestFields.choices(request);
        if (RequestFields.whole(request, "best_of", choices, 1, RequestFields.MAX_CONTINUATIONS) != choices) {
            throw ApiException.wrong("best_of", "n, the only one supported");
        }
        int maxTokens = RequestFields.whole(request, "max_tokens", DEFAULT_MAX_TOKENS, 0, Integer.MAX_VALUE);
        List<Prompt> prompts = prompts(request.path("prompt"), maxTokens, room);
        if ((long) prompts.size() * choices > RequestFields.MAX_CONTINUATIONS) {
            throw ApiException.wrong(
                    "prompt", "at most " + RequestFields.MAX_CONTINUATIONS + " continuations in one request");
        }
        return new Completion(
                prompts,
                RequestFields.decoding(request, maxTokens),
                new Completion.Output(
                        Completion.Form.TEXT,
                        logProbs(request),
                        RequestFields.flag(request, "echo"),
                        RequestFields.flag(request, "stream"),
                        RequestFields.usageInStream(request)));
    }

    /** A number; clients of another kind of completions send true, with the number elsewhere, or false. */
    private static OptionalInt logProbs(JsonNode request) {
        JsonNode value = request.path("logprobs");
        if (value.isBoolean() && value.asBoolean()) {
            throw ApiException.wrong(
                    "logprobs",
                    "a whole number from 0 to " + MAX_LOGPROBS
                            + ", of the likeliest tokens to tell, found true, which is of chat completions");
        }
        return RequestFields.isAbsent(value) || value.isBoolean()
                ? OptionalInt.empty()
                : OptionalInt.of(RequestFields.whole(request, "logprobs", 0, 0, MAX_LOGPROBS));
    }

    /** A text, a list of texts, a list of ids, or a list of such lists. */
    private List<Prompt> prompts(JsonNode prompt, int maxTokens, LongConsumer room) {
        List<Prompt> prompts = new ArrayList<>();
        requireLengths(prompt, room);
        if (RequestFields.isAbsent(prompt)) {
            prompts.add(text("prompt", ""));
        } else if (prompt.isTextual()) {
            prompts.add(text("prompt", prompt.asText()));
        } else if (!prompt.isArray() || prompt.isEmpty()) {
            throw ApiException.wrong("prompt", "a text, a list of texts, a list of token ids or a list of such lists");
        } else if (prompt.get(0).isNumber()) {
            prompts.add(ids("prompt", prompt));
        } else {
            if (prompt.size() > RequestFields.MAX_CONTINUATIONS) {
                throw ApiException.wrong(
                        "prompt", "at most " + RequestFields.MAX_CONTINUATIONS + " prompts in one request");
            }
            for (int i = 0; i < prompt.size(); i++) {
                JsonNode entry = prompt.get(i);
                String where = "prompt[" + i + "]";
                prompts.add(entry.isTextual() ? text(where, entry.asText()) : ids(where, entry));
            }
        }
        prompts.forEach(each -> requireFitting(each, maxTokens));
        return prompts;
    }

    /** Prompt and continuation share the model's positions. */
    void requireFitting(Prompt prompt, int maxTokens) {
        if (prompt.ids().size() + (long) maxTokens > positions) {
            throw ApiException.of(
                    400,
                    "context_length_exceeded",
                    "prompt of " + prompt.ids().size() + " tokens and max_tokens " + maxTokens + ": expected at most "
                            + positions + " together, the model's positions");
        }
    }

    /** Before anything is encoded: what is too long to be answered takes time and memory for nothing. */
    private void requireLengths(JsonNode prompt, LongConsumer room) {
        long needed = 0;
        for (JsonNode entry : prompt.isTextual() ? List.of(prompt) : prompt) {
            String text = entry.isTextual() ? entry.asText() : "";
            requireLength(text);
            needed = Math.max(needed, MemoryBudget.bytesOf(text));
        }
        room.accept(needed);
    }

    void requireLength(String text) {
        if (text.length() > positions * MOST_CHARACTERS) {
            throw ApiException.of(
                    400,
                    "context_length_exceeded",
                    "prompt of " + text.length() + " characters: expected at most " + positions * MOST_CHARACTERS + ", "
                            + MOST_CHARACTERS + " for each of the model's positions");
        }
    }

    private Prompt text(String where, String text) {
        RequestFields.requireCharacters(where, text);
        int[] own = tokenizer.encode(text);
        int[] ids = Tokenizer.behind(tokenizer.beginOfText(), own);
        return prompt(where, text, ids, ids.length - own.length);
    }

    /**
     * A prompt of a text, or of what stands in for an empty one.
     *
     * @param start how many of the first ids are none of the text's
     */
    Prompt prompt(String where, String text, int[] ids, int start) {
        int[] read = ids;
        if (ids.length == 0) {
            read = new int[] {
                tokenizer.prefix().orElseThrow(() -> ApiException.wrong(where, "at least one token, found none"))
            };
        }
        return new Prompt(
                Arrays.stream(read).map(id -> requireKnown(where, id)).boxed().toList(),
                Optional.of(text),
                start + read.length - ids.length);
    }

    private Prompt ids(String where, JsonNode list) {
        if (!list.isArray() || list.isEmpty()) {
            throw ApiException.wrong(where, "a text or a list of at least one token id");
        }
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : list) {
            String place = where + "[" + ids.size() + "]";
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw ApiException.wrong(place, "a token id");
            }
            ids.add(requireKnown(place, id.intValue()));
        }
        return new Prompt(ids, Optional.empty(), 0);
    }

    private int requireKnown(String where, int id) {
        if (id < 0 || id >= vocabulary) {
            throw ApiException.wrong(
                    where, "token ids from 0 to " + (vocabulary - 1) + ", the model's vocabulary, found " + id);
        }
        return id;
    }
}
