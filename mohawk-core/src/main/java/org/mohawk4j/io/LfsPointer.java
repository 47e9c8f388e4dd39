package org.mohawk4j.io;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mohawk4j.InvalidInputException;

/**
 * What {@code git clone} leaves in the place of a large file where Git LFS is not installed: a few lines of text that
 * tell which file belongs there. The form is that of the Git LFS specification, version 1.
 */
final class LfsPointer {
    private static final int LEAST_BYTES = 100;
    private static final int MOST_BYTES = 1024;
    private static final Pattern FORM =
            Pattern.compile("version https://(?:git-lfs|hawser)\\.github\\.com/spec/v\\d+\\R"
                    + "(?:ext-\\S+ \\S+\\R)*oid sha256:[0-9a-f]{64}\\Rsize (\\d+)\\R?");

    private LfsPointer() {}

    /**
     * Refuses a pointer.
     *
     * @param file a regular file
     * @param bytes of the file: a large one need not be opened
     */
    static void refuse(Path file, long bytes) throws IOException {
        if (bytes < LEAST_BYTES || bytes >= MOST_BYTES) {
            return;
        }
        Matcher pointer = FORM.matcher(new String(Files.readAllBytes(file), US_ASCII));
        if (pointer.matches()) {
            throw new InvalidInputException(file + ": expected a file of " + pointer.group(1)
                    + " bytes, found a Git LFS pointer to it; run git lfs pull in its folder");
        }
    }
}
