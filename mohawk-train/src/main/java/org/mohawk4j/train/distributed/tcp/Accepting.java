package org.mohawk4j.train.distributed.tcp;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Rank 0, waiting for the others. */
final class Accepting {
    private static final Logger LOG = LoggerFactory.getLogger(Accepting.class);

    /** What connects and does not say at once who it is, is none of ours. */
    private static final Duration HELLO = Duration.ofSeconds(2);

    /** How long a refusal is told to ranks that come later. */
    private static final Duration LINGER = Duration.ofSeconds(3);

    private final Hello own;
    private final ServerSocket server;
    private final Map<Integer, Connection> joined = new TreeMap<>();
    private final Map<Integer, Hello> ranks = new TreeMap<>();

    private Accepting(Hello own, ServerSocket server) {
        this.own = own;
        this.server = server;
        ranks.put(0, own);
    }

    /**
     * Waits for all ranks, and tells each of them where the others run.
     *
     * @throws InvalidInputException on this rank and on the others, if the port is in use, a rank does not come in time, comes
     *     twice, or is of another run or version
     */
    static Joined ranks(Hello own, String address, int port, Duration atMost) {
        try (ServerSocket server = new ServerSocket()) {
            server.setReuseAddress(true);
            bind(own, server, address, port);
            return new Accepting(own, server).all(System.nanoTime() + atMost.toNanos(), atMost);
        } catch (IOException e) {
            throw new InvalidInputException(
                    own.name() + ": expected to listen at port " + port + ", found " + e.getMessage(), e);
        }
    }

    private static void bind(Hello own, ServerSocket server, String address, int port) throws IOException {
        try {
            server.bind(
                    isLoopback(address)
                            ? new InetSocketAddress(InetAddress.getLoopbackAddress(), port)
                            : new InetSocketAddress(port));
        } catch (BindException e) {
            throw new InvalidInputException(
                    own.name() + ": MASTER_PORT: expected a free port, found " + port + " in use", e);
        }
    }

    /** Ranks of one machine need not be seen from others. */
    private static boolean isLoopback(String address) {
        try {
            return InetAddress.getByName(address).isLoopbackAddress();
        } catch (UnknownHostException e) {
            LOG.info("rank 0 does not find its own address {}, and listens on all of this host", address);
            return false;
        }
    }

    private Joined all(long deadline, Duration atMost) throws IOException {
        while (joined.size() < own.size() - 1) {
            Optional<Socket> socket = accept(deadline);
            if (socket.isEmpty()) {
                String line = own.name() + ": ranks: expected " + own.size() + " within " + atMost.toSeconds()
                        + " s, found " + ranks.size() + "; " + missing() + " not joined";
                tell(Message.ofText(Message.Kind.REFUSE, line));
                throw new InvalidInputException(line);
            }
            join(socket.get());
        }
        Message welcome = Message.ofParts(
                Message.Kind.WELCOME,
                ranks.values().stream()
                        .map(rank -> rank.host().getBytes(StandardCharsets.UTF_8))
                        .toList());
        joined.values().forEach(rank -> rank.send(welcome));
        return new Joined(joined, ranks.values().stream().map(Hello::host).toList());
    }

    private void join(Socket socket) throws IOException {
        Optional<Hello> hello = hello(socket);
        if (hello.isEmpty()) {
            LOG.info("{} is no rank", socket.getRemoteSocketAddress());
            socket.close();
            return;
        }
        Hello other = hello.get();
        Connection connection = new Connection(other.rank(), socket);
        Optional<String> refusal = own.refusalOf(other).or(() -> duplicate(other));
        if (refusal.isPresent()) {
            Message line = Message.ofText(Message.Kind.REFUSE, refusal.get());
            connection.send(line);
            connection.finish();
            tellOthers(line, other.rank());
            throw new InvalidInputException(refusal.get());
        }
        ranks.put(other.rank(), other);
        joined.put(other.rank(), connection);
    }

    private Optional<String> duplicate(Hello other) {
        return Optional.ofNullable(ranks.get(other.rank()))
                .map(first ->
                        other.name() + ": expected one rank " + other.rank() + ", found another on " + first.host());
    }

    private String missing() {
        String names = IntStream.range(1, own.size())
                .filter(rank -> !joined.containsKey(rank))
                .mapToObj(String::valueOf)
                .limit(8)
                .collect(Collectors.joining(", "));
        int count = own.size() - ranks.size();
        return "rank" + (count == 1 ? " " : "s ") + names + (count > 8 ? ", …" : "") + (count == 1 ? " has" : " have");
    }

    private void tell(Message refusal) {
        joined.values().forEach(rank -> rank.send(refusal));
        joined.values().forEach(Connection::finish);
        joined.values().forEach(rank -> rank.close(Duration.ofSeconds(1)));
    }

    /** Tells all ranks but the one that has been told, also those that come within the next seconds. */
    private void tellOthers(Message refusal, int told) throws IOException {
        long untold = IntStream.range(1, own.size())
                .filter(rank -> rank != told && !joined.containsKey(rank))
                .count();
        tell(refusal);
        long until = System.nanoTime() + LINGER.toNanos();
        for (int i = 0; i < untold; i++) {
            Optional<Socket> late = accept(until);
            if (late.isPresent() && hello(late.get()).isPresent()) {
                Connection connection = new Connection(0, late.get());
                connection.send(refusal);
                connection.finish();
                connection.close(Duration.ofSeconds(1));
            }
        }
    }

    private Optional<Socket> accept(long deadline) throws IOException {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
            return Optional.empty();
        }
        try {
            server.setSoTimeout(Math.toIntExact(left));
            return Optional.of(server.accept());
        } catch (SocketTimeoutException e) {
            LOG.debug("no more ranks", e);
            return Optional.empty();
        }
    }

    private static Optional<Hello> hello(Socket socket) {
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(Math.toIntExact(HELLO.toMillis()));
            Optional<Hello> hello = Hello.of(Message.readFrom(new DataInputStream(socket.getInputStream())));
            socket.setSoTimeout(0);
            return hello;
        } catch (IOException e) {
            LOG.info("{} does not say which rank it is: {}", socket.getRemoteSocketAddress(), e.getMessage());
            return Optional.empty();
        }
    }
}
