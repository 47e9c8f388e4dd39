package org.mohawk4j.dl4j.ui;

import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.config.DL4JSystemProperties;
import org.deeplearning4j.ui.VertxUIServer;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.UserHome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run, live or finished, in DL4J's training UI, on the loopback address alone. Each stage is a session of the UI's.
 * One at a time in a process, as DL4J has it.
 */
public final class TrainingUi implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingUi.class);
    private static final long POLL_MILLIS = 1_000;

    static {
        // before DL4J asks for its folder in the home folder
        UserHome.repair();
    }

    private final Vertx vertx;
    private final int port;
    private final ScheduledExecutorService poller;
    private final ScheduledFuture<?> following;

    private TrainingUi(Vertx vertx, int port, ScheduledExecutorService poller, ScheduledFuture<?> following) {
        this.vertx = vertx;
        this.port = port;
        this.poller = poller;
        this.following = following;
    }

    /**
     * Serves a run until it is closed.
     *
     * @param port 0 for any that is free
     * @throws InvalidInputException if the folder is no run's, or the port is taken
     */
    public static TrainingUi open(Path run, int port) {
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        RunFollower follower = new RunFollower(run, storage);
        follower.poll(true);
        Vertx vertx = Vertx.vertx();
        LoopbackUiServer server = new LoopbackUiServer();
        try {
            start(vertx, server, port);
        } catch (CompletionException e) {
            vertx.close();
            throw new InvalidInputException(
                    "port: expected a free one, found " + port + " to be refused: " + deepest(e), e);
        }
        server.attach(storage);
        ScheduledExecutorService poller = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "run-follower");
            thread.setDaemon(true);
            return thread;
        });
        ScheduledFuture<?> following =
                poller.scheduleWithFixedDelay(() -> follow(follower), POLL_MILLIS, POLL_MILLIS, TimeUnit.MILLISECONDS);
        return new TrainingUi(vertx, server.getPort(), poller, following);
    }

    /** A run that cannot be read for a moment may be read in the next. */
    private static void follow(RunFollower follower) {
        try {
            follower.poll(false);
        } catch (RuntimeException e) {
            LOG.warn("cannot follow the run: {}", e.getMessage());
        }
    }

    /** The port can be told to the server by DL4J's system property alone. */
    private static void start(Vertx vertx, LoopbackUiServer server, int port) {
        String property = DL4JSystemProperties.UI_SERVER_PORT_PROPERTY;
        String before = System.setProperty(property, String.valueOf(port));
        try {
            CompletableFuture<String> started = new CompletableFuture<>();
            vertx.deployVerticle(server, result -> {
                if (result.succeeded()) {
                    started.complete(result.result());
                } else {
                    started.completeExceptionally(result.cause());
                }
            });
            started.join();
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    private static String deepest(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage());
    }

    /** Where the UI is. */
    public String address() {
        return "http://" + LoopbackUiServer.HOST + ":" + port + "/train/overview";
    }

    @Override
    public void close() {
        following.cancel(false);
        poller.shutdown();
        try {
            VertxUIServer.stopInstance();
        } catch (Exception e) {
            throw new IllegalStateException("DL4J's UI server does not stop", e);
        } finally {
            vertx.close();
        }
    }
}
