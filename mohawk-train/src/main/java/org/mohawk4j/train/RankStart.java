package org.mohawk4j.train;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.ConfigChanges;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankFailedException;
import org.mohawk4j.train.distributed.RankIdentity;
import org.mohawk4j.train.distributed.RefusedRanksException;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;

/** One rank's way into a run: all ranks agree on what they do, and learn why one of them cannot. */
record RankStart(ProcessGroup group) {
    private boolean isFirst() {
        return group.rank() == 0;
    }

    /** The folder of rank 0: the others' may have another time in its name. */
    Path folder(Path own) {
        return Path.of(text(own.toString()));
    }

    private String text(String ofRankZero) {
        byte[] own = (isFirst() ? ofRankZero : "").getBytes(StandardCharsets.UTF_8);
        return new String(group.exchange(own).get(0), StandardCharsets.UTF_8);
    }

    /** A folder to be, which rank 0 checks and makes. */
    RunFolder create(Path folder) {
        RunFolder own = isFirst() ? RunFolder.at(folder) : RunFolder.observed(folder, false);
        text("");
        return own;
    }

    /** A run that is there: rank 0 locks it and accepts changes, the others follow. */
    ResumedRun resume(
            Path folder, Map<String, ?> changes, boolean accepts, Function<DistillConfig, RunInputs> inputs) {
        if (isFirst()) {
            ResumedRun opened = ResumedRun.open(folder, changes, accepts, inputs);
            try {
                text(place(opened));
            } catch (RuntimeException e) {
                opened.folder().close();
                throw e;
            }
            return opened;
        }
        String expected = text("");
        ResumedRun observed = ResumedRun.observe(folder, changes, accepts);
        if (expected.startsWith(CHANGED)) {
            observed.folder().hasChanged();
        }
        if (!place(observed).equals(expected)) {
            throw new InvalidInputException("run " + folder + ": expected to resume from " + expected
                    + " as rank 0, found " + place(observed) + "; the folder has to be the same on all ranks");
        }
        return observed;
    }

    private static final String CHANGED = "changed, ";

    private static String place(ResumedRun run) {
        return (run.folder().isChanged() ? CHANGED : "")
                + run.from().map(from -> from.position().toString()).orElse("the start");
    }

    /** @throws RefusedRanksException on all ranks, if one has another configuration */
    void requireSame(DistillConfig config) {
        RankIdentity.requireSame(group, ConfigChanges.values(config));
    }

    /** @throws RefusedRanksException on all ranks, if one reads something else */
    void requireSame(Supplier<RunInputs> inputs) {
        Map<String, String> values = new LinkedHashMap<>();
        inputs.get().files().forEach((what, files) -> files.forEach((name, file) -> values.put(
                what + " " + name, "sha256 " + file.sha256() + " of " + file.bytes() + " bytes")));
        RankIdentity.requireSame(group, values);
    }

    /** What to throw where a rank has thrown something: the others are told, unless they know. */
    RuntimeException failed(RuntimeException own) {
        Optional<RuntimeException> known = group.failure();
        if (known.isPresent()) {
            RuntimeException reason = known.get();
            if (!Objects.equals(reason.getMessage(), own.getMessage())) {
                reason.addSuppressed(own);
            }
            return reason;
        }
        if (own instanceof RefusedRanksException || own instanceof StoppedException) {
            return own;
        }
        if (own instanceof InvalidInputException) {
            group.refuse(line(own));
        } else if (!(own instanceof RankFailedException)) {
            group.fail(line(own));
        }
        return own;
    }

    /** In one line. */
    static String line(Throwable failure) {
        String message = failure.getMessage();
        return (message == null ? failure.toString() : message).replaceAll("\\s*\\R\\s*", " ");
    }
}
