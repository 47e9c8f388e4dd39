package org.mohawk4j.eval.serve;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.mohawk4j.eval.likelihood.Ranking;
import org.mohawk4j.eval.serve.TokenPlaces.Placed;
import org.mohawk4j.tokenizer.Tokenizer;

/** Puts an answer into OpenAI's form: piece by piece for a stream, or whole. */
final class CompletionWriter {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CHOICES = "choices";
    private static final String TEXT = "text_completion";
    private static final String CHUNK = "chat.completion.chunk";
    private static final String ASSISTANT = "assistant";
    private static final String CONTENT = "content";

    private final Completion request;
    private final Tokenizer tokenizer;
    private final String model;
    private final boolean isChat;
    private final String id;
    private final long created = System.currentTimeMillis() / 1000;

    /** By continuation, if there are log-probabilities. */
    private final List<TokenPlaces> places;

    private int generated;

    CompletionWriter(Completion request, Tokenizer tokenizer, String model) {
        this.request = request;
        this.tokenizer = tokenizer;
        this.model = model;
        this.isChat = request.output().form() == Completion.Form.CHAT;
        this.id = (isChat ? "chatcmpl-" : "cmpl-") + UUID.randomUUID();
        this.places = request.output().logProbs().isEmpty() ? List.of() : places();
    }

    private List<TokenPlaces> places() {
        return request.prompts().stream()
                .flatMap(prompt ->
                        Stream.generate(() -> prompt).limit(request.decoding().choices()))
                .map(prompt -> new TokenPlaces(request, prompt, tokenizer))
                .toList();
    }

    /** What a stream begins with: of a chat, whose each choice is. */
    List<ObjectNode> firstEvents() {
        List<ObjectNode> events = new ArrayList<>();
        for (int c = 0;
                isChat && c < request.prompts().size() * request.decoding().choices();
                c++) {
            ObjectNode delta = JsonNodeFactory.instance.objectNode();
            delta.put("role", ASSISTANT).put(CONTENT, "");
            ObjectNode json = envelope(CHUNK);
            json.putArray(CHOICES).add(spoken(c, "delta", delta, Optional.empty()));
            events.add(json);
        }
        return events;
    }

    /** The next event of a stream. */
    ObjectNode event(TextDelta piece) {
        List<Placed> placed = placed(piece);
        ObjectNode json = envelope(isChat ? CHUNK : TEXT);
        ArrayNode choices = json.putArray(CHOICES);
        if (isChat) {
            ObjectNode delta = JsonNodeFactory.instance.objectNode();
            if (!piece.text().isEmpty()) {
                delta.put(CONTENT, piece.text());
            }
            choices.add(spoken(piece.choice(), "delta", delta, piece.finish()));
        } else {
            choices.add(choice(piece.choice(), piece.text(), placed, piece.finish()));
        }
        return json;
    }

    /** A choice of a chat. */
    private static ObjectNode spoken(int index, String name, ObjectNode content, Optional<String> finish) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("index", index).set(name, content);
        json.putNull("logprobs").put("finish_reason", finish.orElse(null));
        return json;
    }

    /** The last event of a stream whose client asked for token usage. */
    ObjectNode usageEvent() {
        ObjectNode json = envelope(isChat ? CHUNK : TEXT);
        json.putArray(CHOICES);
        json.setAll(usage());
        return json;
    }

    /** Writes a whole answer, one choice after the other, since all at once can be larger than the memory. */
    void write(List<TextDelta> pieces, OutputStream out) throws IOException {
        // whatever fails on the way, what was sent must not end like a whole answer
        try (JsonGenerator json = JSON.createGenerator(out)
                .disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT)
                .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)) {
            json.writeStartObject();
            writeFields(json, envelope(isChat ? "chat.completion" : TEXT));
            json.writeArrayFieldStart(CHOICES);
            writeChoices(pieces, json);
            json.writeEndArray();
            writeFields(json, usage());
            json.writeEndObject();
        }
        out.close();
    }

    private static void writeFields(JsonGenerator json, ObjectNode fields) throws IOException {
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            json.writeFieldName(field.getKey());
            JSON.writeTree(json, field.getValue());
        }
    }

    private void writeChoices(List<TextDelta> pieces, JsonGenerator json) throws IOException {
        for (int c = 0; c < request.prompts().size() * request.decoding().choices(); c++) {
            int choice = c;
            StringBuilder text = new StringBuilder();
            List<Placed> tokens = new ArrayList<>();
            List<TextDelta> own =
                    pieces.stream().filter(piece -> piece.choice() == choice).toList();
            own.forEach(piece -> {
                text.append(piece.text());
                tokens.addAll(placed(piece));
            });
            Optional<String> finish =
                    own.stream().flatMap(piece -> piece.finish().stream()).findFirst();
            ObjectNode message = JsonNodeFactory.instance.objectNode();
            message.put("role", ASSISTANT).put(CONTENT, text.toString());
            JSON.writeTree(
                    json,
                    isChat
                            ? spoken(choice, "message", message, finish)
                            : choice(choice, text.toString(), tokens, finish));
        }
    }

    private ObjectNode envelope(String kind) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("id", id).put("object", kind).put("created", created).put("model", model);
        return json;
    }

    private ObjectNode usage() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        int prompt = request.promptTokens();
        json.putObject("usage")
                .put("prompt_tokens", prompt)
                .put("completion_tokens", generated)
                .put("total_tokens", prompt + generated);
        return json;
    }

    /** Counts a piece's tokens, and gives those that can be told of now, if any are asked for. */
    private List<Placed> placed(TextDelta piece) {
        generated +=
                (int) piece.tokens().stream().filter(TextDelta.Token::generated).count();
        return places.isEmpty() ? List.of() : places.get(piece.choice()).add(piece);
    }

    private ObjectNode choice(int index, String text, List<Placed> tokens, Optional<String> finish) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("index", index).put("text", text);
        json.set("logprobs", tokens.isEmpty() ? JsonNodeFactory.instance.nullNode() : logProbs(tokens));
        json.put("finish_reason", finish.orElse(null));
        return json;
    }

    /** Four lists as long as the tokens. */
    private ObjectNode logProbs(List<Placed> tokens) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ArrayNode names = json.putArray("tokens");
        ArrayNode values = json.putArray("token_logprobs");
        ArrayNode likeliest = json.putArray("top_logprobs");
        ArrayNode offset = json.putArray("text_offset");
        for (Placed placed : tokens) {
            TextDelta.Token token = placed.token();
            names.add(TokenText.name(tokenizer, token.id(), placed.first()));
            offset.add(placed.offset());
            if (token.logProb().isEmpty()) {
                values.addNull();
                likeliest.addNull();
            } else {
                values.add(token.logProb().getAsDouble());
                likeliest.add(likeliest(placed, token.logProb().getAsDouble()));
            }
        }
        return json;
    }

    /**
     * The likeliest tokens by name, and the token itself if it is not one of them. Where several have one name, since
     * they add the same text, the likeliest keeps it: a client that looks for the largest finds it.
     */
    private ObjectNode likeliest(Placed placed, double logProb) {
        TextDelta.Token token = placed.token();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        for (Ranking.Entry entry : token.likeliest()) {
            String name = TokenText.name(tokenizer, entry.id(), placed.first());
            if (!json.has(name)) {
                json.put(name, entry.logProb());
            }
        }
        String own = TokenText.name(tokenizer, token.id(), placed.first());
        if (IntStream.range(0, token.likeliest().size())
                        .noneMatch(i -> token.likeliest().get(i).id() == token.id())
                && !json.has(own)) {
            json.put(own, logProb);
        }
        return json;
    }
}
