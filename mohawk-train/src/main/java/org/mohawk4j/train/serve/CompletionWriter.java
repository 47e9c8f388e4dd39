package org.mohawk4j.train.serve;

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
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.evaluation.likelihood.Ranking;

/** Puts an answer into OpenAI's form: piece by piece for a stream, or whole. */
final class CompletionWriter {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CHOICES = "choices";

    private final Completion request;
    private final Tokenizer tokenizer;
    private final String model;
    private final String id = "cmpl-" + UUID.randomUUID();
    private final long created = System.currentTimeMillis() / 1000;
    private final int[] offsets;
    private int generated;

    CompletionWriter(Completion request, Tokenizer tokenizer, String model) {
        this.request = request;
        this.tokenizer = tokenizer;
        this.model = model;
        this.offsets = new int[request.prompts().size() * request.choices()];
    }

    /** The next event of a stream. */
    ObjectNode event(Piece piece) {
        ObjectNode json = envelope();
        json.putArray(CHOICES).add(choice(piece.choice(), piece.text(), piece.tokens(), piece.finish()));
        return json;
    }

    /** The last event of a stream whose client wants to know what it used. */
    ObjectNode usageEvent() {
        ObjectNode json = envelope();
        json.putArray(CHOICES);
        json.setAll(usage());
        return json;
    }

    /** Writes a whole answer, one choice after the other, since all at once can be larger than the memory. */
    void write(List<Piece> pieces, OutputStream out) throws IOException {
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            writeFields(json, envelope());
            json.writeArrayFieldStart(CHOICES);
            writeChoices(pieces, json);
            json.writeEndArray();
            writeFields(json, usage());
            json.writeEndObject();
        }
    }

    private static void writeFields(JsonGenerator json, ObjectNode fields) throws IOException {
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            json.writeFieldName(field.getKey());
            JSON.writeTree(json, field.getValue());
        }
    }

    private void writeChoices(List<Piece> pieces, JsonGenerator json) throws IOException {
        for (int c = 0; c < offsets.length; c++) {
            int choice = c;
            StringBuilder text = new StringBuilder();
            List<Piece.Token> tokens = new ArrayList<>();
            List<Piece> own =
                    pieces.stream().filter(piece -> piece.choice() == choice).toList();
            own.forEach(piece -> {
                text.append(piece.text());
                tokens.addAll(piece.tokens());
            });
            Optional<String> finish =
                    own.stream().flatMap(piece -> piece.finish().stream()).findFirst();
            JSON.writeTree(json, choice(choice, text.toString(), tokens, finish));
        }
    }

    private ObjectNode envelope() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("id", id)
                .put("object", "text_completion")
                .put("created", created)
                .put("model", model);
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

    private ObjectNode choice(int index, String text, List<Piece.Token> tokens, Optional<String> finish) {
        generated += (int) tokens.stream().filter(Piece.Token::generated).count();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("index", index).put("text", text);
        if (request.logProbs().isPresent() && !tokens.isEmpty()) {
            json.set("logprobs", logProbs(index, tokens));
        } else {
            json.putNull("logprobs");
        }
        json.put("finish_reason", finish.orElse(null));
        return json;
    }

    /** Four lists as long as the tokens. */
    private ObjectNode logProbs(int choice, List<Piece.Token> tokens) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ArrayNode names = json.putArray("tokens");
        ArrayNode values = json.putArray("token_logprobs");
        ArrayNode likeliest = json.putArray("top_logprobs");
        ArrayNode offset = json.putArray("text_offset");
        for (Piece.Token token : tokens) {
            names.add(Tokens.name(tokenizer, token.id()));
            offset.add(offsets[choice]);
            offsets[choice] += Tokens.text(tokenizer, token.id()).length();
            if (token.logProb().isEmpty()) {
                values.addNull();
                likeliest.addNull();
            } else {
                values.add(token.logProb().getAsDouble());
                likeliest.add(likeliest(token, token.logProb().getAsDouble()));
            }
        }
        return json;
    }

    /**
     * The likeliest tokens by name, and the token itself if it is not one of them. Where several have one name, such as
     * parts of a character, the likeliest keeps it: a client that looks for the largest finds it.
     */
    private ObjectNode likeliest(Piece.Token token, double logProb) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        for (Ranking.Entry entry : token.likeliest()) {
            String name = Tokens.name(tokenizer, entry.id());
            if (!json.has(name)) {
                json.put(name, entry.logProb());
            }
        }
        String own = Tokens.name(tokenizer, token.id());
        if (IntStream.range(0, token.likeliest().size())
                        .noneMatch(i -> token.likeliest().get(i).id() == token.id())
                && !json.has(own)) {
            json.put(own, logProb);
        }
        return json;
    }
}
