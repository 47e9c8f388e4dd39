package org.mohawk4j.train.distributed;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.Communicator;

/**
 * Ranks that are threads of this process, each with an engine of its own: for tests, and for programs that train on several
 * GPUs without starting other processes, which NCCL needs {@code NCCL_P2P_DIRECT_DISABLE=1} in the environment for. A thread
 * that has failed or ended fails all others; one that hangs is waited for.
 */
public final class LocalProcessGroup implements ProcessGroup {
    private static final long LOOK_MILLIS = 100;

    private final Members members;
    private final int rank;
    private @Nullable Communicator communicator;

    private LocalProcessGroup(Members members, int rank) {
        this.members = members;
        this.rank = rank;
    }

    /** What all ranks share; its lock guards everything. */
    private static final class Members {
        private final List<LocalProcessGroup> ranks = new ArrayList<>();
        private final byte[] @Nullable [] given;
        private final @Nullable Thread[] threads;
        private final boolean[] left;
        private List<byte[]> gathered = List.of();
        private int arrived;
        private long round;
        private @Nullable String failure;

        Members(int size) {
            given = new byte[size][];
            threads = new Thread[size];
            left = new boolean[size];
        }

        void requireWorking() {
            if (failure != null) {
                throw new RankFailedException(failure);
            }
        }

        /** Whether a rank that has not come will not come any more. */
        void lookForTheDead() {
            for (int i = 0; i < given.length; i++) {
                Thread thread = threads[i];
                if (given[i] == null && (left[i] || (thread != null && !thread.isAlive()))) {
                    fail(name(i) + " has ended");
                }
            }
        }

        synchronized void fail(String reason) {
            if (failure == null) {
                failure = reason;
                ranks.forEach(LocalProcessGroup::abort);
                notifyAll();
            }
        }
    }

    /** What a rank does. */
    @FunctionalInterface
    public interface Body {
        /** Runs on the rank's own thread. */
        void run(ProcessGroup group) throws Exception;
    }

    /** The ranks of a group, each to be used by one thread. */
    public static List<ProcessGroup> of(int size) {
        if (size < 1) {
            throw new IllegalArgumentException("ranks: expected at least 1, got " + size);
        }
        Members members = new Members(size);
        for (int rank = 0; rank < size; rank++) {
            members.ranks.add(new LocalProcessGroup(members, rank));
        }
        return List.copyOf(members.ranks);
    }

    /**
     * Runs a body on a thread for each rank, and waits for all of them.
     *
     * @return by rank, what its body threw; null if it did not
     */
    public static List<@Nullable Throwable> run(int size, Body body) throws InterruptedException {
        List<ProcessGroup> groups = of(size);
        @Nullable Throwable[] thrown = new Throwable[size];
        CountDownLatch ended = new CountDownLatch(size);
        for (ProcessGroup group : groups) {
            Thread thread = new Thread(
                    () -> {
                        try {
                            body.run(group);
                        } catch (Throwable e) {
                            thrown[group.rank()] = e;
                            group.fail(String.valueOf(e.getMessage()));
                        } finally {
                            group.close();
                            ended.countDown();
                        }
                    },
                    "rank-" + group.rank());
            thread.setDaemon(true);
            thread.start();
        }
        ended.await();
        return Arrays.asList(thrown);
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return members.given.length;
    }

    @Override
    public String host(int other) {
        return "this process";
    }

    private static String name(int rank) {
        return "rank " + rank + " (this process)";
    }

    @Override
    public List<byte[]> exchange(byte[] own) {
        synchronized (members) {
            members.requireWorking();
            members.threads[rank] = Thread.currentThread();
            members.given[rank] = own;
            members.arrived++;
            if (members.arrived == size()) {
                members.gathered = Arrays.stream(members.given)
                        .map(Objects::requireNonNull)
                        .toList();
                Arrays.fill(members.given, null);
                members.arrived = 0;
                members.round++;
                members.notifyAll();
                return members.gathered;
            }
            // the next round cannot end before this rank has taken what this one gathered
            long round = members.round;
            while (members.round == round) {
                members.lookForTheDead();
                members.requireWorking();
                try {
                    members.wait(LOOK_MILLIS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    members.fail(name(rank) + " was interrupted");
                }
            }
            return members.gathered;
        }
    }

    @Override
    public Communicator communicator(Backend backend) {
        Communicator joined = HostCommunicator.join(this, backend);
        synchronized (members) {
            communicator = joined;
        }
        return joined;
    }

    private void abort() {
        if (communicator != null) {
            communicator.abort();
        }
    }

    @Override
    public void progress() {
        synchronized (members) {
            members.requireWorking();
        }
    }

    @Override
    public void fail(String reason) {
        members.fail(name(rank) + " failed: " + reason);
    }

    @Override
    public void close() {
        synchronized (members) {
            members.left[rank] = true;
            communicator = null;
            members.notifyAll();
        }
    }
}
