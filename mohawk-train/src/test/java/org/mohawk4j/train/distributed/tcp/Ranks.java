package org.mohawk4j.train.distributed.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.mohawk4j.train.distributed.RankEnvironment;

/** Ranks as threads of this process, connected by TCP. */
final class Ranks implements AutoCloseable {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<TcpProcessGroup> groups = new CopyOnWriteArrayList<>();

    static final TcpSettings QUICK = TcpSettings.defaults()
            .withHost("here")
            .withVersion("1.0")
            .withJoin(Duration.ofSeconds(5))
            .withRank(Duration.ofMillis(800));

    static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static RankEnvironment environment(int rank, int size, int port) {
        return new RankEnvironment(rank, size, rank, "127.0.0.1", port);
    }

    static TcpProcessGroup join(int rank, int size, int port, TcpSettings settings) {
        return TcpProcessGroup.join(environment(rank, size, port), settings);
    }

    <T> Future<T> start(Callable<T> rank) {
        return threads.submit(rank);
    }

    /** A whole group. */
    List<TcpProcessGroup> group(int size, TcpSettings settings) {
        int port = freePort();
        List<Future<TcpProcessGroup>> joining = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            int own = rank;
            joining.add(start(() -> join(own, size, port, settings)));
        }
        List<TcpProcessGroup> group = joining.stream().map(Ranks::get).toList();
        groups.addAll(group);
        return group;
    }

    static <T> T get(Future<T> result) {
        try {
            return result.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    /** What a rank fails with. */
    static Throwable failure(Future<?> result) {
        try {
            Object value = result.get(20, TimeUnit.SECONDS);
            throw new AssertionError("expected a failure, got " + value);
        } catch (ExecutionException e) {
            assertThat(e.getCause().getMessage()).doesNotContain("\n");
            return e.getCause();
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        groups.stream().map(rank -> threads.submit(rank::close)).toList().forEach(Ranks::get);
        threads.shutdownNow();
    }
}
