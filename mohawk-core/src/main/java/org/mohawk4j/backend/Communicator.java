package org.mohawk4j.backend;

import java.util.List;

/**
 * One rank's access to collective operations. All ranks call the same operations in the same order, on arrays of equal
 * shapes and types. An operation is queued behind what the backend's own queue holds at the call, and runs beside what is
 * queued afterwards; {@link #await} orders later work behind it. Until then the arrays may be neither read, written nor
 * released. Results are bit-identical on all ranks, and from run to run for an equal number of ranks.
 */
public interface Communicator extends AutoCloseable {
    /** From 0. */
    int rank();

    /** Ranks. */
    int size();

    /** Sums each array over the ranks, in-place. */
    void allReduce(List<Array> arrays);

    /**
     * Sums each array over the ranks, in-place, and keeps one part on each rank: of {@link #size} equal contiguous parts,
     * part {@link #rank} is the sum, and the others are undefined.
     *
     * @throws IllegalArgumentException if an array's element count is not a multiple of {@link #size}
     */
    void reduceScatter(List<Array> arrays);

    /**
     * The reverse: each rank provides part {@link #rank} of each array, and receives the other parts, in-place.
     *
     * @throws IllegalArgumentException if an array's element count is not a multiple of {@link #size}
     */
    void allGather(List<Array> arrays);

    /** Overwrites each array with that of rank {@code root}. */
    void broadcast(List<Array> arrays, int root);

    /** Makes everything that is queued on the backend from now on wait for the operations so far. */
    void await();

    /** Ends pending operations with an error, on this rank only; may be called by any thread. */
    void abort();

    /** Waits for the operations so far, and leaves the group. */
    @Override
    void close();
}
