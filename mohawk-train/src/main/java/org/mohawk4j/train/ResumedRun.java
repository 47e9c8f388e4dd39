package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.run.ConfigChanges;
import org.mohawk4j.train.run.DistillConfig;
import org.mohawk4j.train.run.DistillConfigYaml;
import org.mohawk4j.train.run.RunFolder;

/**
 * A run that is there and is to go on.
 *
 * @param folder locked; the caller's to close
 * @param config of the run
 * @param from its newest whole checkpoint; empty if it was ended before the first, and starts over
 */
public record ResumedRun(RunFolder folder, DistillConfig config, Optional<Checkpoint> from) {
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
            if (!config.equals(written)) {
                folder.writeConfig(config);
            }
            return new ResumedRun(folder, config, from);
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }
}
