package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.config.ConfigChanges;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.run.MixerValues;
import org.mohawk4j.train.run.RunCheckpointer;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run that is there and is to go on.
 *
 * @param folder locked; the caller's to close
 * @param config of the run
 * @param from its newest whole checkpoint; empty if it was ended before the first, and starts over
 */
public record ResumedRun(RunFolder folder, DistillConfig config, Optional<Checkpoint> from) {
    private static final Logger LOG = LoggerFactory.getLogger(ResumedRun.class);

    /** Prefixes of the changes that matter after training has ended. */
    private static final List<String> AFTER_TRAINING = List.of("report ", "evaluation.windows ");

    /** How texts of changes begin by which a run may have more to train on. */
    private static final Pattern MORE = Pattern.compile("(stages\\[\\d+]\\.)?tokens |stages ");

    /** As {@link #open(Path, Map, boolean, Function)}, without looking at what the run reads. */
    public static ResumedRun open(Path path, Map<String, ?> changes, boolean force) {
        return open(path, changes, force, Optional.empty());
    }

    /**
     * Opens a run folder. What its configuration is compared with is what the checkpoint was saved under, so that a
     * change of {@code config.yaml} is found as well; what it reads, with {@code inputs.json}.
     *
     * @param changes values that replace the run's on resuming, by key
     * @param force whether changes are accepted, of the configuration and of what the run reads; {@code config.yaml} and
     *     {@code inputs.json} then have them
     * @param inputs what a run of a configuration reads, as it is now
     * @throws InvalidInputException if it is no run folder, another process writes to it, all its checkpoints are
     *     damaged, or there are changes that are not accepted
     */
    public static ResumedRun open(
            Path path, Map<String, ?> changes, boolean force, Function<DistillConfig, RunInputs> inputs) {
        return open(path, changes, force, Optional.of(inputs));
    }

    private static ResumedRun open(
            Path path, Map<String, ?> changes, boolean force, Optional<Function<DistillConfig, RunInputs>> inputs) {
        RunFolder folder = RunFolder.existing(path);
        try {
            DistillConfig written = DistillConfigYaml.readRun(folder.config());
            DistillConfig config = written.with(changes);
            config.training().autoAttention().ifPresent(auto -> {
                throw new InvalidInputException("run " + path + ": keep-attention: expected layers, which the run has"
                        + " chosen when it began: " + written.training().keepAttention() + ", got " + auto);
            });
            Optional<Checkpoint> from = new CheckpointStore(folder.checkpoints()).newest();
            List<String> found =
                    ConfigChanges.between(from.map(RunCheckpointer::configOf).orElse(written), config);
            if (force) {
                folder.acceptChanges();
            }
            requireAccepted(folder, "the configuration", found);
            boolean isMore =
                    found.stream().anyMatch(change -> MORE.matcher(change).lookingAt());
            boolean isOver = from.map(checkpoint -> RunCheckpointer.isLast(checkpoint, config)
                            || (!isMore && RunCheckpointer.isLast(checkpoint, RunCheckpointer.configOf(checkpoint))))
                    .orElse(false);
            if (isOver) {
                requireNoChanges(path, ofTraining(found));
            }
            inputs.ifPresent(given -> compare(folder, given.apply(config)));
            if (!config.equals(written)) {
                folder.replaceConfig(config);
            }
            return new ResumedRun(folder, config, from);
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /**
     * Checks a run's inputs that are not part of its configuration, and records them in its folder.
     *
     * @param mixers of the student
     * @param loaded what the run is given, for a folder that was not told what the run reads
     * @throws InvalidInputException if the run has begun with something else, unless changes are accepted
     */
    static void requireSame(
            RunFolder folder, Optional<Checkpoint> from, MixerValues mixers, Supplier<RunInputs> loaded) {
        if (folder.inputs().isEmpty()) {
            RunInputs now = loaded.get();
            if (folder.hasBegun()) {
                compare(folder, now);
            } else {
                folder.reads(() -> now);
            }
        }
        if (folder.hasBegun()) {
            MixerValues before = from.map(RunCheckpointer::mixersOf)
                    .filter(MixerValues::isKnown)
                    .or(() -> folder.readInputs().map(RunInputs::mixers))
                    .orElse(MixerValues.UNKNOWN);
            if (!before.isKnown()) {
                LOG.warn(
                        "run {}: it does not say which mixers its student was begun with, so that it cannot be told"
                                + " whether they are the same",
                        folder.path());
            }
            requireAccepted(folder, "the student's mixers", before.changesTo(mixers));
        }
        folder.trains(mixers);
    }

    private static void compare(RunFolder folder, RunInputs now) {
        Optional<RunInputs> before = folder.readInputs();
        if (before.isEmpty()) {
            LOG.warn(
                    "run {}: it does not say which teacher and texts it was begun with, so that it cannot be told"
                            + " whether they are the same",
                    folder.path());
        }
        before.ifPresent(begun -> requireAccepted(folder, "the teacher and texts", begun.changesTo(now)));
        folder.reads(() -> now);
    }

    private static void requireAccepted(RunFolder folder, String what, List<String> changes) {
        if (changes.isEmpty()) {
            return;
        }
        String told = String.join("; ", changes);
        if (!folder.acceptsChanges()) {
            throw new ChangedRunException("run " + folder.path() + ": expected " + what + " that it was begun with,"
                    + " found changes: " + told);
        }
        LOG.warn("run {}: resumed with changes of {}: {}", folder.path(), what, told);
        if (!ofTraining(changes).isEmpty()) {
            folder.hasChanged();
        }
    }

    private static List<String> ofTraining(List<String> changes) {
        return changes.stream()
                .filter(change -> AFTER_TRAINING.stream().noneMatch(change::startsWith))
                .toList();
    }

    /**
     * A student is trained as its {@code config.yaml} says: when its steps are taken, what they were taken with does not
     * change any more, unless more tokens are asked for.
     */
    private static void requireNoChanges(Path path, List<String> ofTraining) {
        if (!ofTraining.isEmpty()) {
            throw new InvalidInputException(
                    "run " + path + ": expected steps left to take with changes, found all taken, and changes: "
                            + String.join("; ", ofTraining));
        }
    }
}
