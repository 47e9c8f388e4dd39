package org.mohawk4j.train.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.train.checkpoint.BackgroundWriter;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.checkpoint.Snapshot;
import org.mohawk4j.train.loop.Parallelism;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes checkpoints while training goes on. Of several ranks each writes its own files into one folder; once all have,
 * which a later step shows, rank 0 makes the checkpoint count. Whatever fails on one rank fails on all, so that they stay in
 * step.
 */
final class CheckpointWriter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointWriter.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double NANOS_A_SECOND = 1e9;

    private final CheckpointStore store;
    private final Parallelism ranks;
    private final LongSupplier available;
    private final BackgroundWriter writer = new BackgroundWriter();
    private final BooleanSupplier busy;
    private @Nullable Snapshot snapshot;
    private @Nullable Parts parts;

    CheckpointWriter(CheckpointStore store, Parallelism ranks) {
        this(store, ranks, HostMemory::availableBytes);
    }

    /** @param available bytes that this rank's host has left */
    CheckpointWriter(CheckpointStore store, Parallelism ranks, LongSupplier available) {
        this.store = store;
        this.ranks = ranks;
        this.available = available;
        this.busy = ranks.agreed("a checkpoint is being written", writer::isBusy);
    }

    /**
     * What a checkpoint consists of.
     *
     * @param state everything that is no array; nothing on other ranks than 0
     * @param arrays by file and name; no arrays, no file
     * @param pictures likewise, that never change
     */
    record Contents(
            ObjectNode state, Map<String, Map<String, Tensor>> arrays, Map<String, Map<String, HostTensor>> pictures) {}

    /** A checkpoint whose files are being written. */
    private static final class Parts {
        private final Position position;
        private final List<Path> beside;
        private final int keep;
        private volatile ObjectNode written = JsonNodeFactory.instance.objectNode();

        Parts(Position position, List<Path> beside, int keep) {
            this.position = position;
            this.beside = beside;
            this.keep = keep;
        }
    }

    /** What may fail on one rank. */
    @FunctionalInterface
    private interface Action {
        String run() throws IOException;
    }

    /** Whether any rank is still writing. */
    boolean isBusy() {
        return busy.getAsBoolean() || parts != null;
    }

    /**
     * Goes on with what is being written, if all ranks can.
     *
     * @throws IOException if a disk refused
     */
    void check() throws IOException {
        if (parts != null && !busy.getAsBoolean()) {
            finishParts();
        } else if (parts == null) {
            writer.check();
        }
    }

    /**
     * Copies arrays to the host and starts to write them. If the host has no memory for them they are written at once.
     *
     * @param beside files that the checkpoint refers to; flushed to the disk before it counts
     * @param keep how many checkpoints stay, this one included
     */
    void write(Position position, Contents contents, List<Path> beside, int keep) throws IOException {
        long begin = System.nanoTime();
        Snapshot copy = snapshot(position, contents);
        double copied = (System.nanoTime() - begin) / NANOS_A_SECOND;
        if (ranks.size() == 1) {
            writer.start(() -> {
                store.write(copy, beside, keep);
                report(position, copied, begin, copy.isCopied());
            });
            if (!copy.isCopied()) {
                await();
            }
            return;
        }
        await();
        List<String> inMemory = together(() -> {
            if (ranks.rank() == 0) {
                store.prepare(position);
            }
            return String.valueOf(copy.isCopied());
        });
        // the ranks differ in memory, but take the same operations in the same order
        boolean behind = inMemory.stream().allMatch(Boolean::parseBoolean);
        Parts own = new Parts(position, beside, keep);
        parts = own;
        writer.start(() -> {
            own.written = store.writePart(copy);
            report(position, copied, begin, behind);
        });
        if (!behind) {
            await();
        }
    }

    private Snapshot snapshot(Position position, Contents contents) {
        Snapshot copy = snapshot;
        if (copy == null) {
            copy = new Snapshot(position, contents.state(), available);
            snapshot = copy;
        } else {
            copy.restart(position, contents.state());
        }
        contents.arrays().forEach(copy::copy);
        contents.pictures().forEach(copy::put);
        return copy;
    }

    private static void report(Position position, double copied, long begin, boolean behind) {
        LOG.info(String.format(
                Locale.ROOT,
                "checkpoint of %s: copied in %.3f s, written %s training in %.3f s",
                position,
                copied,
                behind ? "behind" : "for lack of memory before",
                (System.nanoTime() - begin) / NANOS_A_SECOND - copied));
    }

    /** Drops all but the newest checkpoints, behind training. */
    void retain(int keep) throws IOException {
        if (ranks.rank() == 0) {
            writer.start(() -> store.retain(keep));
        }
    }

    /**
     * Waits until what is being written counts.
     *
     * @throws IOException if a disk refused
     */
    void await() throws IOException {
        try (Parallelism.Pause disk = ranks.pause()) {
            if (parts != null) {
                finishParts();
            }
            together(() -> {
                writer.await();
                return "";
            });
        }
    }

    /** All ranks have written their files, or are waited for. */
    private void finishParts() throws IOException {
        Parts own = parts;
        parts = null;
        if (own == null) {
            return;
        }
        List<String> written = written(own);
        if (ranks.rank() == 0) {
            ObjectNode manifest = JsonNodeFactory.instance.objectNode();
            for (String files : written) {
                manifest.setAll((ObjectNode) JSON.readTree(files));
            }
            writer.start(() -> store.commit(own.position, manifest, own.beside, own.keep));
        }
    }

    /** What the manifest says of each rank's files. If a disk refused one of them, the checkpoint is dropped. */
    private List<String> written(Parts own) throws IOException {
        try {
            return together(() -> {
                writer.await();
                return own.written.toString();
            });
        } catch (IOException e) {
            // by one rank, once none writes any more
            if (ranks.rank() == 0) {
                store.discard(own.position, e);
            }
            throw e;
        }
    }

    /**
     * Does something on all ranks.
     *
     * @return what it came to, by rank
     * @throws IOException on all ranks if it failed on one
     */
    private List<String> together(Action action) throws IOException {
        ObjectNode own = JsonNodeFactory.instance.objectNode();
        IOException failure = null;
        try {
            own.put("done", action.run());
        } catch (IOException e) {
            own.put("failed", String.valueOf(e.getMessage()));
            failure = e;
        }
        if (ranks.size() == 1 && failure != null) {
            throw failure;
        }
        List<ObjectNode> all = new ArrayList<>();
        for (byte[] given : ranks.exchange(own.toString().getBytes(StandardCharsets.UTF_8))) {
            all.add((ObjectNode) JSON.readTree(given));
        }
        for (int rank = 0; rank < all.size(); rank++) {
            if (all.get(rank).has("failed")) {
                throw new IOException(
                        ranks.name(rank) + ": " + all.get(rank).path("failed").asText(), failure);
            }
        }
        return all.stream().map(node -> node.path("done").asText()).toList();
    }

    /** Whether rank 0 sees any checkpoints: other ranks may read a listing of a shared folder that is out of date. */
    boolean hasCheckpoints() {
        return fromFirst(() -> ByteBuffer.allocate(1).put((byte) (store.isEmpty() ? 0 : 1)))
                        .get()
                == 1;
    }

    /** What rank 0 says, for all ranks. */
    private ByteBuffer fromFirst(Supplier<ByteBuffer> said) {
        byte[] own = ranks.rank() == 0 ? said.get().array() : new byte[0];
        return ByteBuffer.wrap(ranks.exchange(own).get(0));
    }

    /** The newest checkpoint that rank 0 finds whole. */
    Optional<Checkpoint> newest() {
        try (Parallelism.Pause disk = ranks.pause()) {
            ByteBuffer found = fromFirst(() -> {
                ByteBuffer place = ByteBuffer.allocate(2 * Integer.BYTES);
                store.newest()
                        .map(Checkpoint::position)
                        .ifPresent(newest -> place.putInt(newest.stage()).putInt(newest.step()));
                return place;
            });
            Position position = new Position(found.getInt(), found.getInt());
            // stages count from 1
            return position.stage() == 0 ? Optional.empty() : Optional.of(store.at(position));
        }
    }

    /** Waits for this rank's files. */
    @Override
    public void close() {
        try {
            writer.close();
        } finally {
            if (snapshot != null) {
                snapshot.close();
            }
        }
    }
}
