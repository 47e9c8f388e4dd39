package org.mohawk4j.train.distributed.tcp;

import java.io.DataInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankDevices;
import org.mohawk4j.train.distributed.RankEnvironment;
import org.mohawk4j.train.distributed.tcp.Watchdog.Pace;

/**
 * Processes that are each connected to rank 0 by TCP, for small values and signs of life. A rank that ends, whose host
 * ends, or that does not proceed ends the run on all ranks with a line that names it.
 */
public final class TcpProcessGroup implements ProcessGroup {
    private static final Duration CLOSE = Duration.ofSeconds(2);

    private final int rank;
    private final TcpSettings settings;
    private final Joined joined;
    private final Exchange exchange;
    private final Ending ending;
    private final Watchdog watchdog;
    private final AtomicLong operations = new AtomicLong();
    private final AtomicLong activity = new AtomicLong();
    private volatile @Nullable Thread trainer;
    private volatile boolean steps;
    private volatile boolean closed;

    private TcpProcessGroup(int rank, TcpSettings settings, Joined joined) {
        this.rank = rank;
        this.settings = settings;
        this.joined = joined;
        this.exchange = new Exchange(size());
        this.ending = new Ending(settings);
        Collection<Integer> watched = new ArrayList<>(joined.connections().keySet());
        watched.add(rank);
        this.watchdog = new Watchdog(watched, settings.rank(), System.nanoTime());
    }

    /**
     * Waits for all ranks.
     *
     * @throws InvalidInputException on all ranks, if the port is in use, rank 0 is not where it is expected, a rank is missing,
     *     comes twice, or is of another version of the library
     */
    public static TcpProcessGroup join(RankEnvironment environment, TcpSettings settings) {
        int rank = environment.rank();
        Hello own = new Hello(
                settings.version(), rank, environment.size(), settings.host() + ", device " + environment.device());
        Joined joined = rank == 0
                ? Accepting.ranks(own, environment.address(), environment.port(), settings.join())
                : Joining.group(own, environment.address(), environment.port(), settings.join());
        TcpProcessGroup group = new TcpProcessGroup(rank, settings, joined);
        joined.connections().values().forEach(connection -> connection.start(group.new Peers()));
        Thread monitor = new Thread(group::monitor, "mohawk-rank-monitor");
        monitor.setDaemon(true);
        monitor.start();
        return group;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return joined.hosts().size();
    }

    @Override
    public String host(int of) {
        return joined.hosts().get(of);
    }

    @Override
    public synchronized List<byte[]> exchange(byte[] own) {
        ending.requireNone();
        trainer = Thread.currentThread();
        operations.incrementAndGet();
        exchange.begin();
        if (rank == 0) {
            collect(0, own);
        } else {
            to(0).send(new Message(Message.Kind.VALUE, own));
        }
        // a rank that has left before cannot take part
        watchdog.gone().filter(gone -> exchange.isPending(rank == 0)).ifPresent(this::endWithout);
        return exchange.await();
    }

    private void collect(int from, byte[] part) {
        exchange.add(from, part).ifPresent(all -> {
            Message result = Message.ofParts(Message.Kind.RESULT, all);
            joined.connections().values().forEach(other -> other.send(result));
            exchange.complete(all);
        });
    }

    @Override
    public void requireJoinable(Backend backend, BackendOptions options) {
        RankDevices.require(this, backend, options);
    }

    @Override
    public Communicator communicator(Backend backend) {
        Collectives collectives = backend.collectives()
                .orElseThrow(() -> new InvalidInputException("backend " + backend.name()
                        + ": expected one with collective operations for " + size() + " ranks, found none"));
        byte[] own = rank == 0 ? collectives.newGroup() : new byte[0];
        byte[] group = exchange(own).get(0);
        Communicator joinedGroup =
                new WatchedCommunicator(collectives.join(group, rank, size()), ending, operations::incrementAndGet);
        ending.add(joinedGroup);
        return joinedGroup;
    }

    @Override
    public void progress() {
        // other threads speak up while this one loads a teacher or the like
        Thread own = trainer;
        if (own == null || own == Thread.currentThread()) {
            steps = true;
        }
        activity.incrementAndGet();
        ending.requireNone();
    }

    /** Ten times the rank timeout, with the one that the watchdog waits afterwards. */
    @Override
    public Duration longestPause() {
        return settings.rank().multipliedBy(TcpSettings.PAUSE - 1);
    }

    @Override
    public void fail(String reason) {
        end(new Failure(name(rank) + ": " + reason, false), rank);
    }

    @Override
    public void refuse(String reason) {
        end(new Failure(name(rank) + ": " + reason, true), rank);
    }

    /** Why the group has failed, as it is thrown; empty if it has not. */
    @Override
    public Optional<RuntimeException> failure() {
        return ending.failure().map(Failure::exception);
    }

    private void end(Failure reason, int origin) {
        if (ending.begin(reason)) {
            joined.connections().forEach((peer, connection) -> {
                if (peer != origin) {
                    connection.send(reason.message());
                }
            });
            exchange.fail(reason);
            ending.force(reason);
        }
    }

    private void endWithout(int gone) {
        end(new Failure(name(gone) + ": has left the run while others wait for it", false), gone);
    }

    private String name(int of) {
        return "rank " + of + " on " + host(of);
    }

    private Connection to(int peer) {
        return Objects.requireNonNull(joined.connections().get(peer), "only rank 0 is connected to all");
    }

    /** What other ranks tell. */
    private final class Peers implements Connection.Receiver {
        @Override
        public void received(int peer, Message message) throws IOException {
            watchdog.heard(peer, System.nanoTime());
            switch (message.kind()) {
                case BEAT -> {
                    DataInputStream in = message.read();
                    watchdog.reached(peer, new Pace(in.readLong(), in.readLong(), in.readBoolean()), System.nanoTime());
                }
                case VALUE -> collect(peer, message.body());
                case RESULT -> exchange.complete(message.parts());
                case FAIL, REFUSE -> end(Failure.of(message), peer);
                case LEAVE -> {
                    watchdog.left(peer);
                    to(peer).finish();
                    // one that has its result may leave before others have theirs
                    if (exchange.isPending(rank == 0)) {
                        endWithout(peer);
                    }
                }
                default ->
                    throw new IOException("expected a message of a rank that has joined, found " + message.kind());
            }
        }

        @Override
        public void lost(int peer) {
            if (!closed && !watchdog.hasLeft(peer)) {
                end(new Failure(name(peer) + ": the connection is lost: its process or host has ended", false), peer);
            }
        }
    }

    private void monitor() {
        Duration beat = settings.beat();
        long before = System.nanoTime();
        try {
            while (!closed) {
                Thread.sleep(beat.toMillis());
                long now = System.nanoTime();
                if (now - before > settings.rank().toNanos() / 2) {
                    // this process was stopped, and so was its clock of the others
                    watchdog.forgive(now);
                }
                before = now;
                watchdog.heard(rank, now);
                watchdog.reached(rank, pace(), now);
                beat();
                check(now).ifPresent(reason -> end(reason, rank));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Pace pace() {
        return new Pace(operations.get(), activity.get(), steps);
    }

    private void beat() {
        Pace pace = pace();
        Message message = Message.of(Message.Kind.BEAT, out -> {
            out.writeLong(pace.operations());
            out.writeLong(pace.activity());
            out.writeBoolean(pace.steps());
        });
        joined.connections().forEach((peer, connection) -> {
            if (!watchdog.hasLeft(peer)) {
                connection.send(message);
            }
        });
    }

    private Optional<Failure> check(long now) {
        String expected = ": expected progress within " + settings.rank().toSeconds() + " s, found ";
        Optional<String> found = watchdog.silent(now)
                .map(of -> name(of) + ": expected a sign of life within "
                        + settings.rank().toSeconds() + " s, found none")
                .or(() -> watchdog.abandoned(now).map(of -> name(of) + expected + "that it has left the run"));
        if (rank == 0) {
            found = found.or(() ->
                            watchdog.stuck(now).map(of -> name(of) + expected + "none, and others waiting for it"))
                    .or(() -> watchdog.isDeadlocked(now)
                            ? Optional.of("ranks 0 to " + (size() - 1) + " on " + Set.copyOf(joined.hosts()) + expected
                                    + "all waiting in the same operation: a device or the network does not answer")
                            : Optional.empty());
        }
        return found.map(line -> new Failure(line, false));
    }

    /** Leaves the group; the others go on if they do not need this rank any more. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        beat();
        closed = true;
        ending.leave();
        Collection<Connection> all = joined.connections().values();
        all.forEach(connection -> connection.send(Message.ofText(Message.Kind.LEAVE, "")));
        all.forEach(Connection::finish);
        long until = System.nanoTime() + CLOSE.toNanos();
        all.forEach(connection -> connection.close(Duration.ofNanos(Math.max(1_000_000, until - System.nanoTime()))));
    }
}
