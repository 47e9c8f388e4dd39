package org.mohawk4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.ConfigChanges;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.MachineConfig;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankFailedException;
import org.mohawk4j.train.distributed.RankIdentity;
import org.mohawk4j.train.distributed.RefusedRanksException;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.run.RunInputs;

/** One rank's way into a run: all ranks agree on what they do, and learn why one of them cannot. */
record RankStart(ProcessGroup group) {
    /** @throws RefusedRanksException on all ranks, if one has another configuration */
    void requireSame(DistillConfig config) {
        RankIdentity.requireSame(group, ConfigChanges.values(config));
    }

    /** @throws RefusedRanksException on all ranks, if one reads something else */
    void requireSame(Supplier<RunInputs> inputs) {
        Map<String, String> values = new LinkedHashMap<>();
        inputs.get()
                .files()
                .forEach((what, files) -> files.forEach((name, file) ->
                        values.put(what + " " + name, "sha256 " + file.sha256() + " of " + file.bytes() + " bytes")));
        RankIdentity.requireSame(group, values);
    }

    /** The engine of a rank if each rank has its own device; the caller closes it. */
    Engine open(MachineConfig machine) {
        Engine engine = openDevice(machine);
        try {
            group.requireJoinable(engine.backend(), machine.options());
            return engine;
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    private Engine openDevice(MachineConfig machine) {
        try {
            return machine.open();
        } catch (InvalidInputException e) {
            throw new InvalidInputException(
                    "expected a GPU for each of " + group.size() + " ranks, found: " + e.getMessage(), e);
        }
    }

    /** What a rank does. */
    @FunctionalInterface
    interface Body<T, E extends Exception> {
        T run() throws E;
    }

    /**
     * Runs what a rank does; if it fails, the other ranks are notified at once.
     *
     * @param group of a run on several ranks
     */
    static <T, E extends Exception> T told(Optional<ProcessGroup> group, Body<T, E> body) throws E {
        try {
            return body.run();
        } catch (RuntimeException e) {
            throw group.map(ranks -> new RankStart(ranks).failed(e)).orElse(e);
        } catch (Error e) {
            group.ifPresent(ranks -> ranks.fail(line(e)));
            throw e;
        }
    }

    /** What to throw after a rank has failed; the other ranks are notified unless they know. */
    RuntimeException failed(RuntimeException own) {
        if (own instanceof RefusedRanksException || own instanceof StoppedException) {
            // all ranks have thrown it
            return own;
        }
        Optional<RuntimeException> known = group.failure();
        if (known.isPresent()) {
            RuntimeException reason = known.get();
            if (String.valueOf(reason.getMessage()).endsWith(line(own))) {
                // told before, by this rank or to it
                return own;
            }
            reason.addSuppressed(own);
            return reason;
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
