package org.mohawk4j.train.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The default output folder of a command. */
public final class OutputFolder {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

    private OutputFolder() {}

    /** A folder in {@code runs} that is not there yet, named by what is done and the time. */
    public static Path of(String what) {
        Path folder = Path.of(
                "runs", what + "-" + LocalDateTime.now(ZoneId.systemDefault()).format(TIME));
        Path free = folder;
        for (int i = 2; Files.exists(free); i++) {
            free = folder.resolveSibling(folder.getFileName() + "-" + i);
        }
        return free;
    }
}
