package org.mohawk4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.run.RunFolder;

/**
 * A run as the ranks see it that do not write its folder: what rank 0 has found there.
 *
 * @param folder not to be touched
 * @param from the checkpoint that all ranks resume from; empty if the run starts
 */
record FollowedRun(RunFolder folder, Optional<Checkpoint> from) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FOLDER = "folder";
    private static final String BEGUN = "begun";
    private static final String STAGE = "stage";
    private static final String STEP = "step";

    /** Tells the other ranks, on rank 0. */
    static void announce(ProcessGroup ranks, RunFolder folder, Optional<Checkpoint> from) {
        ObjectNode told = JsonNodeFactory.instance.objectNode();
        told.put(FOLDER, folder.path().toAbsolutePath().toString()).put(BEGUN, folder.hasBegun());
        from.ifPresent(checkpoint -> told.put(STAGE, checkpoint.position().stage())
                .put(STEP, checkpoint.position().step()));
        ranks.exchange(told.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Waits for rank 0, on another rank. */
    static FollowedRun of(ProcessGroup ranks) {
        try {
            JsonNode told = JSON.readTree(ranks.exchange(new byte[0]).get(0));
            RunFolder folder = RunFolder.followed(
                    Path.of(told.path(FOLDER).asText()), told.path(BEGUN).asBoolean());
            Optional<Checkpoint> from = told.has(STAGE)
                    ? Optional.of(new CheckpointStore(folder.checkpoints())
                            .at(new Position(
                                    told.path(STAGE).asInt(), told.path(STEP).asInt())))
                    : Optional.empty();
            return new FollowedRun(folder, from);
        } catch (IOException e) {
            throw new UncheckedIOException("what rank 0 says of the run cannot be read", e);
        }
    }
}
