package org.mohawk4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Where a command writes if it is not told. */
final class NewFolder {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

    private NewFolder() {}

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
