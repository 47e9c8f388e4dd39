package org.mohawk4j.train.config;

import java.nio.file.Path;
import java.util.Optional;
import org.mohawk4j.data.source.Mixture;

/**
 * Inputs and outputs of a run. Paths are relative to the working directory.
 *
 * @param teacher folder of the teacher model; empty: the tiny teacher that is shipped
 * @param text texts to train on; empty: text that the teacher writes itself
 * @param valid texts to evaluate on; empty: the held-out end of {@code text}, which then is one text in memory
 * @param out the run folder; empty: a new one in {@code runs}, named by the time
 * @param report whether to write the HTML report
 */
public record FilesConfig(
        Optional<Path> teacher, Optional<Mixture> text, Optional<Mixture> valid, Optional<Path> out, boolean report) {
    /** The defaults. */
    public static FilesConfig defaults() {
        return new FilesConfig(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), true);
    }
}
