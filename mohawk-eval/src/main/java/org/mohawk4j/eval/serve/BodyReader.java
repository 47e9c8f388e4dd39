package org.mohawk4j.eval.serve;

import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Reads the bodies of requests. Until its body is there, a request is in nobody's way, and nobody waits for it when the
 * server closes. A connection whose body is not read to its end is closed, and the answer says so: what is left of the
 * body would be taken for the next request.
 */
final class BodyReader {
    /** How much of a body that nobody wants is read, in bodies of the largest size, so that its client hears why. */
    private static final int READ_IN_VAIN = 16;

    private static final int READ_AT_ONCE = 1 << 13;

    /** Requests whose bodies are still to come; the JDK's server ends those that take too long. */
    private static final int MOST_READING = 1000;

    private final ServeConfig config;
    private final AtomicInteger active;
    private final AtomicInteger reading = new AtomicInteger();

    /** @param active counts the requests that are worked on; not those that are read */
    BodyReader(ServeConfig config, AtomicInteger active) {
        this.config = config;
        this.active = active;
    }

    /** A way to read. */
    private interface Reading<T> {
        T read() throws IOException;
    }

    /**
     * The whole body.
     *
     * @throws ApiException if it is too large, or too much is read already
     */
    byte[] read(HttpExchange exchange, MemoryBudget.Share memory) throws IOException {
        return counted(exchange, () -> body(exchange, memory));
    }

    /**
     * Reads the body of a request that has no use for one.
     *
     * @throws ApiException if too much is read already
     */
    void passOver(HttpExchange exchange) throws IOException {
        counted(exchange, () -> skip(exchange, exchange.getRequestBody()));
    }

    private <T> T counted(HttpExchange exchange, Reading<T> way) throws IOException {
        boolean isOne = reading.incrementAndGet() <= MOST_READING;
        active.decrementAndGet();
        try {
            if (!isOne) {
                announceClose(exchange);
                throw ApiException.tooMany(config.queue());
            }
            return way.read();
        } finally {
            active.incrementAndGet();
            reading.decrementAndGet();
        }
    }

    private byte[] body(HttpExchange exchange, MemoryBudget.Share memory) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try (InputStream in = exchange.getRequestBody()) {
            byte[] some = new byte[READ_AT_ONCE];
            for (int count = in.read(some); count >= 0; count = in.read(some)) {
                if (body.size() + count > config.maxBodyBytes()) {
                    skip(exchange, in);
                    throw ApiException.of(
                            413, "body_too_large", "expected a body of at most " + config.maxBodyBytes() + " bytes");
                }
                // what holds it grows by doubling
                if (!memory.grow(2L * count)) {
                    skip(exchange, in);
                    throw ApiException.tooMany(config.queue());
                }
                body.write(some, 0, count);
            }
        }
        return body.toByteArray();
    }

    /** A client hears nothing before it has sent its body, or so much of it that it has only itself to blame. */
    private boolean skip(HttpExchange exchange, InputStream in) throws IOException {
        byte[] some = new byte[READ_AT_ONCE];
        for (long left = (long) READ_IN_VAIN * config.maxBodyBytes(); left > 0; left -= some.length) {
            if (in.readNBytes(some, 0, some.length) < some.length) {
                return true;
            }
        }
        announceClose(exchange);
        return false;
    }

    private static void announceClose(HttpExchange exchange) {
        exchange.getResponseHeaders().set("Connection", "close");
    }
}
