package org.mohawk4j.train.distributed;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Communicator;

/**
 * The ranks of a run, as one of them sees it: how they find each other, exchange small values on the host, and notice that
 * one of them has failed. Numbers on devices go through the {@link Communicator}.
 */
public interface ProcessGroup extends AutoCloseable {
    /** From 0. Rank 0 writes the run folder and prints progress. */
    int rank();

    /** Ranks. */
    int size();

    /** Where a rank runs, for messages: its host and device. */
    String host(int rank);

    /**
     * Gathers one value from each rank, in the order of ranks; returns when all have called it. Also a barrier.
     *
     * @throws RankFailedException if a rank has ended, has failed, or does not answer in time
     */
    List<byte[]> exchange(byte[] own);

    /**
     * Checks, before anything is loaded, that the ranks' backends can join each other.
     *
     * @param options that the backend was opened with
     * @throws RefusedRanksException on all ranks, if they cannot
     */
    default void requireJoinable(Backend backend, BackendOptions options) {}

    /** Joins all ranks for collective operations on a backend's arrays. */
    Communicator communicator(Backend backend);

    /**
     * Tells that this rank proceeds, after each step and in whatever takes long without {@link #exchange} or a
     * communicator's operations.
     *
     * @throws RankFailedException if the run has failed: results since the last call may be wrong, and are not to be kept
     */
    default void progress() {}

    /** How long a rank may pause between two steps: to compile kernels for another stage, or to wait for a disk. */
    default Duration longestPause() {
        return Duration.ofDays(1);
    }

    /** Tells the other ranks that this one cannot continue, and why, in one line. They fail with that line. */
    void fail(String reason);

    /** As {@link #fail}, for bad input: the other ranks throw an {@link org.mohawk4j.InvalidInputException}. */
    default void refuse(String reason) {
        fail(reason);
    }

    /** Why the run has failed on any rank, as an exception to throw; empty while it has not. */
    default Optional<RuntimeException> failure() {
        return Optional.empty();
    }

    /** Leaves the group. */
    @Override
    void close();
}
