package org.mohawk4j.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.ChatTemplate;
import org.mohawk4j.tokenizer.TokenizerJson;

/** The tiny teacher behind a server on a thread of its own, and a client of it. */
final class ServedTeacher implements AutoCloseable {
    static final Path TEACHER = Path.of(System.getProperty(
            "mohawk.teacher", "../mohawk-train/src/main/resources/org/mohawk4j/train/sample/teacher"));

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final CompletableFuture<CompletionServer> server = new CompletableFuture<>();
    private final Thread thread;

    ServedTeacher(ServeConfig config) {
        this(config, Runtime.getRuntime().maxMemory());
    }

    ServedTeacher(ServeConfig config, long heapBytes) {
        this(config, heapBytes, TEACHER);
    }

    /** @param folder of another model */
    ServedTeacher(ServeConfig config, long heapBytes, Path folder) {
        thread = new Thread(() -> {
            try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                    CausalLm model = ModelFolder.load(engine, folder);
                    CompletionServer opened = new CompletionServer(
                            config, model, TokenizerJson.load(folder), ChatTemplate.find(folder), heapBytes)) {
                server.complete(opened);
                opened.run();
            } catch (InterruptedException | RuntimeException e) {
                server.completeExceptionally(e);
            }
        });
        thread.start();
    }

    /** A model that writes the tokens of a vocabulary in their order, from the one behind the prompt's last. */
    static ServedTeacher chain(Path folder, String decoder, List<String> tokens) throws IOException {
        Path chain = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"))
                .resolveSibling("chain");
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(chain.resolve(file), folder.resolve(file));
        }
        ObjectNode json = JSON.createObjectNode();
        json.set("decoder", JSON.readTree(decoder));
        ObjectNode vocabulary = json.putObject("model")
                .put("type", "WordLevel")
                .put("unk_token", tokens.get(0))
                .putObject("vocab");
        tokens.forEach(token -> vocabulary.put(token, vocabulary.size()));
        json.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
        JSON.writeValue(folder.resolve("tokenizer.json").toFile(), json);
        return new ServedTeacher(config(8), Runtime.getRuntime().maxMemory(), folder);
    }

    static ServeConfig config(int queue) {
        return new ServeConfig("tiny", "127.0.0.1", 0, queue, 100_000);
    }

    CompletionServer server() {
        try {
            return server.get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server().address().getPort() + path))
                .timeout(Duration.ofSeconds(60));
    }

    HttpResponse<String> send(HttpRequest request) {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    CompletableFuture<HttpResponse<String>> sendAsync(String body) {
        return client.sendAsync(
                request("/v1/completions")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> post(String body) {
        return post("/v1/completions", body);
    }

    HttpResponse<String> post(String path, String body) {
        return send(
                request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build());
    }

    /** The answer to a request that is fulfilled. */
    JsonNode complete(String body) {
        HttpResponse<String> response = post(body);
        if (response.statusCode() != 200) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
        return json(response.body());
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new AssertionError(text, e);
        }
    }

    @Override
    public void close() {
        server().close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
