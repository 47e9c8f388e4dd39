package org.mohawk4j.examples;

import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.safetensors.InputFile;

/** Where a command writes if it is not told. */
final class NewFolder {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

    private NewFolder() {}

    /**
     * Checks that a folder can be written to, or made, as far as that can be said without doing it.
     *
     * @throws InvalidInputException if it cannot
     */
    static void requireWritable(Path folder) {
        Path nearest = folder.toAbsolutePath();
        while (nearest.getParent() != null && !Files.exists(nearest)) {
            nearest = nearest.getParent();
        }
        if (!Files.isDirectory(nearest)) {
            throw InputFile.unwritable(folder, new NotDirectoryException(nearest.toString()));
        }
        if (!Files.isWritable(nearest)) {
            throw InputFile.unwritable(folder, new AccessDeniedException(nearest.toString()));
        }
    }

    /** A folder in {@code runs} that is not there yet, named by a command and the time. */
    static Path of(String command) {
        Path folder = Path.of(
                "runs",
                command + "-" + LocalDateTime.now(ZoneId.systemDefault()).format(TIME));
        Path free = folder;
        for (int i = 2; Files.exists(free); i++) {
            free = folder.resolveSibling(folder.getFileName() + "-" + i);
        }
        return free;
    }
}
