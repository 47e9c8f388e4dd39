package org.mohawk4j.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** How answers go over the wire: JSON with a status, events of a stream, errors in OpenAI's form. */
final class HttpAnswers {
    static final String HEAD = "HEAD";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NOT_SENT = -1;
    private static final int NO_BODY = -1;

    private HttpAnswers() {}

    /**
     * Tells a client why its request is not fulfilled.
     *
     * @throws IOException if an answer has begun, which is then cut off
     */
    static void refuse(HttpExchange exchange, ApiException e) throws IOException {
        if (exchange.getResponseCode() != NOT_SENT) {
            throw new IOException("the answer breaks off", e);
        }
        if (e.status() == 429) {
            exchange.getResponseHeaders().set("Retry-After", "1");
        }
        send(exchange, e.status(), error(e));
    }

    /** An event of a stream. */
    static void writeEvent(OutputStream out, JsonNode data) throws IOException {
        write(out, JSON.writeValueAsString(data));
    }

    /** The event after which there is none. */
    static void endEvents(OutputStream out) throws IOException {
        write(out, "[DONE]");
    }

    private static void write(OutputStream out, String data) throws IOException {
        out.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    static ObjectNode error(ApiException e) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.putObject("error")
                .put("message", e.explanation())
                .put("type", e.type())
                .put("param", e.parameter().orElse(null))
                .put("code", e.code());
        return json;
    }

    static void send(HttpExchange exchange, int status, JsonNode json) throws IOException {
        byte[] body = JSON.writeValueAsBytes(json);
        exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        if (exchange.getRequestMethod().equals(HEAD)) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(status, NO_BODY);
            return;
        }
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }
}
