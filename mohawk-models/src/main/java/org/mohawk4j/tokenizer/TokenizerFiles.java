package org.mohawk4j.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.InputFile;

/**
 * The files of a tokenizer, in memory: its {@code tokenizer.json} and the files next to it, to be copied to a student.
 */
public final class TokenizerFiles {
    /** The files that are copied, where they exist. */
    public static final List<String> NAMES = List.of(
            TokenizerJson.FILE_NAME,
            TokenizerConfig.FILE_NAME,
            TokenizerConfig.TOKENS_FILE,
            TokenizerConfig.GENERATION_FILE,
            TokenizerConfig.TEMPLATE_FILE);

    private final Map<String, byte[]> files;

    private TokenizerFiles(Map<String, byte[]> files) {
        this.files = files;
    }

    /**
     * Reads the files.
     *
     * @param tokenizer the {@code tokenizer.json}, under whatever name
     * @throws InvalidInputException if it cannot be read
     */
    public static TokenizerFiles read(Path tokenizer) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(TokenizerJson.FILE_NAME, bytes(tokenizer));
        for (String name : NAMES.subList(1, NAMES.size())) {
            Path file = tokenizer.resolveSibling(name);
            if (Files.isRegularFile(file)) {
                files.put(name, bytes(file));
            }
        }
        return new TokenizerFiles(Collections.unmodifiableMap(files));
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    /**
     * Writes all of them into a folder, byte for byte.
     *
     * @throws InvalidInputException if they cannot be written
     */
    public void writeTo(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
        files.forEach((name, bytes) -> AtomicFile.write(folder.resolve(name), bytes));
    }
}
