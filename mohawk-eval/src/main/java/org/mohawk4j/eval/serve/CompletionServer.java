package org.mohawk4j.eval.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.ChatTemplate;
import org.mohawk4j.tokenizer.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a model over HTTP: {@code POST /v1/completions}, {@code POST
 * /v1/chat/completions}, {@code GET /v1/models}, {@code GET /health}. Anything wrong
 * is told in OpenAI's form, {@code {"error":{…}}}, with status 400, 404, 405, 413, 429 if too many requests wait, 500,
 * or 503 while it shuts down. What goes wrong when an answer has begun cuts the connection.
 *
 * <p>The JDK's server takes two settings from system properties, once: {@code sun.net.httpserver.nodelay=true} saves 40 ms
 * an answer, {@code sun.net.httpserver.maxReqTime} limits the seconds that a client may take to send a request.
 */
public final class CompletionServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CompletionServer.class);
    private static final Duration GRACE = Duration.ofSeconds(20);
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);
    private static final int LOOKED_AFTER_MILLIS = 20;

    /** Requests that are read or written beyond those that wait: what they hold in memory is bounded as well. */
    private static final int SPARE_CONNECTIONS = 32;

    /** Bodies that are made sense of at the same time: what that takes is many times their length. */
    private static final int MOST_PARSING = 2;

    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";
    private static final String MODELS = "/v1/models";
    private static final String HEALTH = "/health";
    private static final String POST = "POST";

    private final ServeConfig config;
    private final Tokenizer tokenizer;
    private final Completer completer;
    private final CompletionReader reader;
    private final Optional<ChatReader> chats;
    private final ModelQueue queue;
    private final HttpServer http;
    private final ExecutorService connections;
    private final AtomicInteger active = new AtomicInteger();
    private final BodyReader bodies;
    private final Semaphore parsing = new Semaphore(MOST_PARSING);
    private final MemoryBudget memory;
    private final long started = System.currentTimeMillis() / 1000;
    private volatile boolean closing;
    private volatile boolean aborting;

    /**
     * Listens from now on. Requests wait until {@link #run}.
     *
     * @param model used by the thread that calls {@link #run} alone
     * @param template of conversations; without one they are refused
     * @throws InvalidInputException if the address cannot be listened on
     */
    public CompletionServer(ServeConfig config, CausalLm model, Tokenizer tokenizer, Optional<ChatTemplate> template) {
        this(config, model, tokenizer, template, Runtime.getRuntime().maxMemory());
    }

    /** @param heapBytes of which requests may have half */
    CompletionServer(
            ServeConfig config, CausalLm model, Tokenizer tokenizer, Optional<ChatTemplate> template, long heapBytes) {
        this.config = config;
        this.memory = new MemoryBudget(heapBytes);
        this.bodies = new BodyReader(config, active);
        this.tokenizer = tokenizer;
        this.completer = new Completer(model, tokenizer);
        this.reader = new CompletionReader(
                tokenizer,
                Math.toIntExact(model.config().vocabulary()),
                model.config().maxPositions(),
                config.maxBodyBytes());
        this.chats = template.map(
                form -> new ChatReader(form, tokenizer, reader, model.config().maxPositions(), config.maxBodyBytes()));
        this.queue = new ModelQueue(config.queue());
        try {
            this.http =
                    HttpServer.create(new InetSocketAddress(InetAddress.getByName(config.host()), config.port()), 0);
        } catch (UnknownHostException e) {
            throw new InvalidInputException("host: expected an address of this machine, found " + config.host(), e);
        } catch (IOException e) {
            throw new InvalidInputException(
                    "cannot listen on " + config.host() + " port " + config.port() + ": " + e.getMessage(), e);
        }
        this.connections = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "connection");
            thread.setDaemon(true);
            return thread;
        });
        http.setExecutor(connections);
        http.createContext("/", this::handle);
        http.start();
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return http.getAddress();
    }

    /** The base URL for clients. */
    public String url() {
        String host = config.host();
        if (host.isEmpty()) {
            host = address().getAddress().getHostAddress();
        }
        if (host.contains(":") && !host.startsWith("[")) {
            // an IPv6 address, whose zone is set off by a percent sign (RFC 6874)
            host = "[" + host.replace("%", "%25") + "]";
        }
        return "http://" + host + ":" + address().getPort() + "/v1";
    }

    /** Answers requests on this thread, which the model's engine must belong to, until the server is closed. */
    public void run() throws InterruptedException {
        queue.run();
    }

    /** Takes no more requests, lets those that it has taken come to their end for some seconds, then stops. */
    @Override
    public void close() {
        closing = true;
        awaitIdle(GRACE);
        aborting = true;
        awaitIdle(LAST_WORDS);
        queue.close();
        http.stop(0);
        connections.shutdownNow();
    }

    private void awaitIdle(Duration longest) {
        long end = System.nanoTime() + longest.toNanos();
        try {
            while (active.get() > 0 && System.nanoTime() < end) {
                Thread.sleep(LOOKED_AFTER_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        active.incrementAndGet();
        try {
            route(exchange);
        } catch (ApiException e) {
            if (e.status() == 500) {
                LOG.warn("{} {} failed", exchange.getRequestMethod(), exchange.getRequestURI(), e);
            } else {
                LOG.info("{} {}: {}", exchange.getRequestMethod(), exchange.getRequestURI(), e.getMessage());
            }
            HttpAnswers.refuse(exchange, e);
        } catch (RuntimeException e) {
            LOG.warn("{} {} failed", exchange.getRequestMethod(), exchange.getRequestURI(), e);
            HttpAnswers.refuse(exchange, ApiException.of(500, "internal_error", "unexpected " + e));
        } catch (OutOfMemoryError e) {
            LOG.warn("{} {} failed", exchange.getRequestMethod(), exchange.getRequestURI(), e);
            HttpAnswers.refuse(exchange, ApiException.outOfMemory());
        } finally {
            active.decrementAndGet();
        }
        // not where an exception gets through: the JDK's server cuts the connection then, and nobody takes what was
        // sent for the whole
        exchange.close();
    }

    private void route(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        boolean isCompletions = path.equals(COMPLETIONS) || path.equals(CHAT);
        if (isCompletions && exchange.getRequestMethod().equals(POST)) {
            complete(exchange, path.equals(CHAT));
            return;
        }
        bodies.passOver(exchange);
        if (isCompletions) {
            requireMethod(exchange, POST);
        } else if (path.equals(MODELS)) {
            requireMethod(exchange, "GET");
            ObjectNode list = JsonNodeFactory.instance.objectNode().put("object", "list");
            list.putArray("data").add(model());
            HttpAnswers.send(exchange, 200, list);
        } else if (path.equals(MODELS + "/" + config.model())) {
            requireMethod(exchange, "GET");
            HttpAnswers.send(exchange, 200, model());
        } else if (path.equals(HEALTH)) {
            requireMethod(exchange, "GET");
            HttpAnswers.send(
                    exchange, 200, JsonNodeFactory.instance.objectNode().put("status", closing ? "closing" : "ok"));
        } else {
            throw ApiException.of(
                    404,
                    "not_found",
                    "expected " + COMPLETIONS + ", " + CHAT + ", " + MODELS + " or " + HEALTH + ", found " + path);
        }
    }

    private static void requireMethod(HttpExchange exchange, String method) {
        boolean isHead = method.equals("GET") && exchange.getRequestMethod().equals(HttpAnswers.HEAD);
        if (!exchange.getRequestMethod().equals(method) && !isHead) {
            exchange.getResponseHeaders().set("Allow", method);
            throw ApiException.of(
                    405, "method_not_allowed", "expected " + method + ", found " + exchange.getRequestMethod());
        }
    }

    private ObjectNode model() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", config.model())
                .put("object", "model")
                .put("created", started)
                .put("owned_by", "mohawk4j");
    }

    private void complete(HttpExchange exchange, boolean isChat) throws IOException {
        Completion request = read(exchange, isChat);
        long bytes = MemoryBudget.bytesOf(request);
        if (bytes > memory.total()) {
            throw ApiException.of(
                    413,
                    "answer_too_large",
                    "expected an answer of at most " + memory.total()
                            + " bytes of the server's memory, half of its heap,"
                            + " found that its tokens may take " + bytes
                            + "; expected fewer prompts, continuations, max_tokens or logprobs in a request");
        }
        try (MemoryBudget.Share share = memory.share()) {
            if (!share.grow(bytes)) {
                throw ApiException.tooMany(config.queue());
            }
            answer(exchange, request);
        }
    }

    /** Takes memory for a text to be encoded, which is the native library's and not the heap's, but no less there. */
    private void requireRoom(MemoryBudget.Share share, long bytes) {
        if (bytes > memory.total()) {
            throw ApiException.of(
                    413,
                    "prompt_too_large",
                    "expected a text that takes at most " + memory.total()
                            + " bytes of memory to encode, half of the server's heap, found one that may take "
                            + bytes);
        }
        if (!share.grow(bytes)) {
            throw ApiException.tooMany(config.queue());
        }
    }

    private void answer(HttpExchange exchange, Completion request) throws IOException {
        CompletionJob job = new CompletionJob(completer, request, () -> aborting);
        if (closing) {
            throw ApiException.of(503, "shutting_down", "the server is shutting down");
        }
        if (!queue.offer(job)) {
            throw ApiException.tooMany(config.queue());
        }
        CompletionWriter writer = new CompletionWriter(request, tokenizer, config.model());
        try {
            if (request.output().stream()) {
                stream(exchange, request, job, writer);
            } else {
                BufferedResponse answer = new BufferedResponse(exchange);
                List<TextDelta> pieces = new ArrayList<>();
                for (Optional<TextDelta> piece = job.next(answer::keepWaiting);
                        piece.isPresent();
                        piece = job.next(answer::keepWaiting)) {
                    pieces.add(piece.get());
                }
                writer.write(pieces, answer.begun());
            }
        } finally {
            // no matter why: if the client is gone, the model has better things to do
            job.cancel();
            queue.remove(job);
        }
    }

    private Completion read(HttpExchange exchange, boolean isChat) throws IOException {
        try (MemoryBudget.Share share = memory.share()) {
            byte[] body = bodies.read(exchange, share);
            if (active.get() > config.queue() + SPARE_CONNECTIONS) {
                throw ApiException.tooMany(config.queue());
            }
            parsing.acquireUninterruptibly();
            try {
                LongConsumer room = bytes -> requireRoom(share, bytes);
                return isChat ? requireChats().read(body, room) : reader.read(body, room);
            } finally {
                parsing.release();
            }
        }
    }

    private ChatReader requireChats() {
        return chats.orElseThrow(() -> ApiException.of(
                400, "no_chat_template", "expected a model with a chat template for " + CHAT + ", found one without"));
    }

    private void stream(HttpExchange exchange, Completion request, CompletionJob job, CompletionWriter writer)
            throws IOException {
        Optional<TextDelta> piece = job.next();
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
        exchange.getResponseHeaders().set("Cache-Control", "no-cache");
        exchange.sendResponseHeaders(200, 0);
        OutputStream out = exchange.getResponseBody();
        try {
            for (ObjectNode first : writer.firstEvents()) {
                HttpAnswers.writeEvent(out, first);
            }
            for (; piece.isPresent(); piece = job.next()) {
                HttpAnswers.writeEvent(out, writer.event(piece.get()));
            }
            if (request.output().usageInStream()) {
                HttpAnswers.writeEvent(out, writer.usageEvent());
            }
            HttpAnswers.endEvents(out);
        } catch (ApiException e) {
            // the status is sent already: what went wrong is an event like others
            HttpAnswers.writeEvent(out, HttpAnswers.error(e));
        }
    }
}
