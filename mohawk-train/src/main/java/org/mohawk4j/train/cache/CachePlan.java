package org.mohawk4j.train.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.CausalLm;

/**
 * What a run would keep of its teacher, and how much room that takes, before anything is written.
 *
 * @param file where
 * @param contents what of each window
 * @param context T
 * @param windows that the run meets at most
 * @param bytes that the file has then at most, if it held nothing of other windows before
 */
public record CachePlan(Path file, CacheContents contents, int context, long windows, long bytes) {
    /** A plan for a teacher. */
    public static CachePlan of(Path file, CausalLm teacher, CacheContents contents, int context, long windows) {
        return new CachePlan(file, contents, context, windows, contents.predictBytes(teacher, context, windows));
    }

    /**
     * Opens the file, or makes it.
     *
     * @throws InvalidInputException if it holds something else, another program uses it, or there is no room for it
     */
    public OpenCache open(CausalLm teacher) {
        requireRoom();
        return contents.open(file, teacher, context, windows);
    }

    private void requireRoom() {
        try {
            long before = Files.exists(file) ? Files.size(file) : 0;
            Path folder = Objects.requireNonNullElse(file.toAbsolutePath().getParent(), file);
            long room = Files.getFileStore(folder).getUsableSpace();
            if (bytes - before > room) {
                throw new InvalidInputException("data.teacher-cache " + file + ": expected room for " + (bytes - before)
                        + " bytes, found " + room);
            }
        } catch (IOException e) {
            throw InputFile.unwritable(file, e);
        }
    }
}
