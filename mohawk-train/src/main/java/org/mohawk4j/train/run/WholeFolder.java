package org.mohawk4j.train.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.mohawk4j.io.Folders;

/** A folder that appears, or takes the place of an earlier one, when it is complete. */
final class WholeFolder {
    private WholeFolder() {}

    static void replace(Path target, RunFolder.Contents contents) throws IOException {
        Path partial = target.resolveSibling("." + target.getFileName() + ".partial");
        Path previous = target.resolveSibling("." + target.getFileName() + ".previous");
        Folders.delete(partial);
        Files.createDirectory(partial);
        try {
            contents.writeTo(partial);
        } catch (IOException | RuntimeException | Error e) {
            try {
                Folders.delete(partial);
            } catch (IOException alsoFailed) {
                e.addSuppressed(alsoFailed);
            }
            throw e;
        }
        if (Files.exists(target)) {
            Folders.delete(previous);
            Files.move(target, previous, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        Folders.delete(previous);
    }
}
