package org.mohawk4j.eval.serve;

import com.sun.net.httpserver.HttpExchange;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is sent when all of it is there. If that takes some seconds, it begins with spaces, one each second,
 * which JSON may: a client that has left is found out by them, since the JDK's server tells of it only when something is
 * written.
 */
final class BufferedResponse {
    /** Most answers are there by then, or refused with a status of their own. */
    private static final long SILENT_NANOS = Duration.ofSeconds(3).toNanos();

    private static final long SPACE_NANOS = Duration.ofSeconds(1).toNanos();

    private final HttpExchange exchange;
    private long nextSpace = System.nanoTime() + SILENT_NANOS;
    private @Nullable OutputStream out;

    BufferedResponse(HttpExchange exchange) {
        this.exchange = exchange;
    }

    /**
     * To be called again and again while the answer is made.
     *
     * @throws IOException if the client has left
     */
    void keepWaiting() throws IOException {
        long now = System.nanoTime();
        if (now - nextSpace >= 0) {
            nextSpace = now + SPACE_NANOS;
            begun().write(' ');
            begun().flush();
        }
    }

    /** Where the answer goes; it is the caller's to flush. */
    OutputStream begun() throws IOException {
        OutputStream begun = out;
        if (begun == null) {
            exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
            exchange.sendResponseHeaders(200, 0);
            begun = new BufferedOutputStream(exchange.getResponseBody());
            out = begun;
        }
        return begun;
    }
}
