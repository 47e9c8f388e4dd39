package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.run.ConfigChanges;
import org.mohawk4j.train.run.DistillConfig;
import org.mohawk4j.train.run.DistillConfigYaml;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.TokenBudget;

/**
 * A run that is there and is to go on.
 *
 * @param folder locked; the caller's to close
 * @param config of the run
 * @param from its newest whole checkpoint; empty if it was ended before the first, and starts over
 */
public record ResumedRun(RunFolder folder, DistillConfig config, Optional<Checkpoint> from) {
    /** How texts of changes begin that matter to what is done when training is over. */
    private static final List<String> AFTER_TRAINING = List.of("report ", "evaluation.windows ");

    /**
     * Opens a run folder. What its configuration is compared with is what the checkpoint was saved under, so that a
     * change of {@code config.yaml} is found as well.
     *
     * @param changes values to go on with in the place of the run's, by key
     * @param force whether changes are accepted; {@code config.yaml} then has them
     * @throws InvalidInputException if it is no run folder, another process writes to it, all its checkpoints are
     *     damaged, or there are changes that are not accepted
     */
    public static ResumedRun open(Path path, Map<String, ?> changes, boolean force) {
        RunFolder folder = RunFolder.existing(path);
        try {
            DistillConfig written = DistillConfigYaml.read(folder.config());
            DistillConfig config = written.with(changes);
            Optional<Checkpoint> from = new CheckpointStore(folder.checkpoints()).newest();
            List<String> found =
                    ConfigChanges.between(from.map(RunSaver::configOf).orElse(written), config);
            if (!found.isEmpty() && !force) {
                throw new InvalidInputException("run " + path + ": expected the configuration that it was begun with,"
                        + " found changes: " + String.join("; ", found) + "; --force goes on with them");
            }
            from.ifPresent(checkpoint -> requireStepsLeft(path, config, checkpoint, found));
            if (!config.equals(written)) {
                folder.writeConfig(config);
            }
            return new ResumedRun(folder, config, from);
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /**
     * A student is trained as its {@code config.yaml} says: when its steps are taken, what they were taken with does not
     * change any more, unless more tokens are asked for.
     */
    private static void requireStepsLeft(Path path, DistillConfig config, Checkpoint from, List<String> changes) {
        List<String> ofTraining = changes.stream()
                .filter(change -> AFTER_TRAINING.stream().noneMatch(change::startsWith))
                .toList();
        boolean isMore = changes.stream().anyMatch(change -> change.startsWith("tokens "));
        boolean isOver =
                isOver(config, from.position()) || (!isMore && isOver(RunSaver.configOf(from), from.position()));
        if (isOver && !ofTraining.isEmpty()) {
            throw new InvalidInputException(
                    "run " + path + ": expected steps left to take with changes, found all taken," + " and changes: "
                            + String.join("; ", ofTraining));
        }
    }

    private static boolean isOver(DistillConfig config, Position place) {
        TokenBudget budget = config.budget();
        int last = 3;
        while (budget.stepsOf(last) == 0) {
            last--;
        }
        return place.compareTo(new Position(last, budget.stepsOf(last))) >= 0;
    }
}
