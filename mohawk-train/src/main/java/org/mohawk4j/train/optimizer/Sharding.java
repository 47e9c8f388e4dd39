package org.mohawk4j.train.optimizer;

import java.util.Collection;

/**
 * How the ranks of a run share an optimizer's work and memory (ZeRO, stage 1, arXiv 1910.02054). Of a parameter whose
 * elements can be shared equally, each rank updates one contiguous part and keeps its moments; all others are updated by
 * every rank.
 *
 * @param rank of this optimizer, from 0
 * @param ranks whose gradients an update is given the sum of
 * @param sharded whether any parameter is shared
 */
public record Sharding(int rank, int ranks, boolean sharded) {
    /** One rank. */
    public static final Sharding NONE = new Sharding(0, 1, false);

    /** Elements that a part is a multiple of, so that parts are as well aligned as whole parameters. */
    private static final int ALIGNMENT = 64;

    /** Each rank updates its part. */
    public static Sharding across(int rank, int ranks) {
        return new Sharding(rank, ranks, ranks > 1);
    }

    /** Every rank updates everything. */
    public static Sharding replicated(int rank, int ranks) {
        return new Sharding(rank, ranks, false);
    }

    /** Whether a parameter of so many elements is shared. */
    public boolean shards(long count) {
        return sharded && count % ((long) ranks * ALIGNMENT) == 0;
    }

    /**
     * Whether most elements of some parameters are shared. Widths of models are multiples of powers of two, so numbers of ranks
     * that are not divide few parameters.
     *
     * @param counts elements of each
     */
    public boolean shardsMost(Collection<Long> counts) {
        long all = counts.stream().mapToLong(Long::longValue).sum();
        long shared =
                counts.stream().filter(this::shards).mapToLong(Long::longValue).sum();
        return 2 * shared >= all;
    }

    /** The first element that this rank updates. */
    public long first(long count) {
        return shards(count) ? rank * length(count) : 0;
    }

    /** How many elements this rank updates. */
    public long length(long count) {
        return shards(count) ? count / ranks : count;
    }

    /** Whether this rank is the one that saves its part, or all, of a parameter's moments. */
    public boolean saves(long count) {
        return rank == 0 || shards(count);
    }
}
