package org.mohawk4j.eval.tasks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.Sha256;

/** SHA-256 of files, in hexadecimal. */
public final class FileHash {
    private FileHash() {}

    /** Of one file. */
    public static String of(Path file) {
        return of(file, List.of(file));
    }

    /** Of the names and bytes of a model's configuration, tokenizer and weights, in the order of their names. */
    public static String ofModel(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return of(
                    folder,
                    files.filter(file -> String.valueOf(file.getFileName())
                                    .matches("config\\.json|tokenizer\\.json|.*\\.safetensors"))
                            .sorted(Comparator.comparing(file -> String.valueOf(file.getFileName())))
                            .toList());
        } catch (IOException e) {
            throw InputFile.unreadable(folder, e);
        }
    }

    private static String of(Path named, List<Path> files) {
        try {
            MessageDigest digest = Sha256.digest();
            for (Path file : files) {
                if (!file.equals(named)) {
                    digest.update((file.getFileName() + "\n").getBytes(UTF_8));
                }
                Sha256.update(digest, file);
            }
            return Sha256.of(digest);
        } catch (IOException e) {
            throw InputFile.unreadable(named, e);
        }
    }
}
