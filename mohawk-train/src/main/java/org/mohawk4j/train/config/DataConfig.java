package org.mohawk4j.train.config;

import java.nio.file.Path;
import java.util.Optional;
import org.mohawk4j.data.stream.StreamOptions;
import org.mohawk4j.tokenizer.BosPolicy;
import org.mohawk4j.train.yaml.Ranges;

/**
 * How text files are read.
 *
 * @param textField the field of a JSON line, or the column of a table, that holds the document
 * @param shuffle windows among which the order of streamed texts is random
 * @param readers threads that turn streamed texts into tokens; they change speed, not results
 * @param bos whether documents begin with the tokenizer's BOS token
 * @param teacherCache file to keep what the teacher computes in; empty: it is computed each time
 */
public record DataConfig(String textField, int shuffle, int readers, BosPolicy bos, Optional<Path> teacherCache) {
    /** Checks the ranges. */
    public DataConfig {
        Ranges.require(!textField.isEmpty(), "data.text-field", "a name", "nothing");
        Ranges.atLeast(1, "data.shuffle", shuffle);
        Ranges.require(
                readers >= 1 && readers <= StreamOptions.MOST_READERS,
                "data.readers",
                "1 to " + StreamOptions.MOST_READERS,
                readers);
    }

    /** The defaults. */
    public static DataConfig defaults() {
        return new DataConfig("text", 1024, 2, BosPolicy.AUTO, Optional.empty());
    }

    /** The same for a stream. */
    public StreamOptions stream() {
        return new StreamOptions(readers, shuffle);
    }

    public DataConfig withTextField(String textField) {
        return new DataConfig(textField, shuffle, readers, bos, teacherCache);
    }

    public DataConfig withShuffle(int shuffle) {
        return new DataConfig(textField, shuffle, readers, bos, teacherCache);
    }

    public DataConfig withReaders(int readers) {
        return new DataConfig(textField, shuffle, readers, bos, teacherCache);
    }

    public DataConfig withTeacherCache(Path teacherCache) {
        return new DataConfig(textField, shuffle, readers, bos, Optional.of(teacherCache));
    }

    public DataConfig withBos(BosPolicy bos) {
        return new DataConfig(textField, shuffle, readers, bos, teacherCache);
    }
}
