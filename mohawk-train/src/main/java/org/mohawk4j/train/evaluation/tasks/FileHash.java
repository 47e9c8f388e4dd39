package org.mohawk4j.train.evaluation.tasks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.mohawk4j.safetensors.InputFile;

/** SHA-256 of files, in hexadecimal. */
public final class FileHash {
    private static final int BUFFER = 1 << 20;

    private FileHash() {}

    /** Of one file, or of the names and bytes of all files in a folder, in the order of their names. */
    public static String sha256(Path fileOrFolder) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            if (Files.isDirectory(fileOrFolder)) {
                for (Path file : files(fileOrFolder)) {
                    digest.update((file.getFileName() + "\n").getBytes(UTF_8));
                    update(digest, file);
                }
            } else {
                update(digest, fileOrFolder);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        } catch (IOException e) {
            throw InputFile.unreadable(fileOrFolder, e);
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(file -> String.valueOf(file.getFileName())))
                    .toList();
        }
    }

    private static void update(MessageDigest digest, Path file) throws IOException {
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
    }
}
