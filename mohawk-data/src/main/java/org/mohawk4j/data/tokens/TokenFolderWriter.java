package org.mohawk4j.data.tokens;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.io.InputFile;

/**
 * Writes token files {@code 00000.tokens} and following, each ending with a document, into a folder that appears when it
 * is complete or not at all.
 */
public final class TokenFolderWriter implements AutoCloseable {
    private final Path folder;
    private final Path partial;
    private final TokenVocabulary vocabulary;
    private final long tokensPerFile;
    private final List<Path> files = new ArrayList<>();
    private TokenFileWriter file;
    private long tokens;
    private long documents;

    /**
     * Starts a folder.
     *
     * @param folder new or empty
     * @param vocabulary what the ids mean
     * @param tokensPerFile a file ends with the document that reaches this
     * @throws InvalidInputException if the folder is in use or cannot be written
     */
    public TokenFolderWriter(Path folder, TokenVocabulary vocabulary, long tokensPerFile) {
        this.folder = folder.toAbsolutePath().normalize();
        this.partial = this.folder.resolveSibling("." + this.folder.getFileName() + "." + UUID.randomUUID() + ".tmp");
        this.vocabulary = vocabulary;
        this.tokensPerFile = tokensPerFile;
        try {
            requireFree();
            Files.createDirectories(partial);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
        this.file = nextFile();
    }

    private void requireFree() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new InvalidInputException(folder + ": expected a new or empty folder, found a file");
        }
        try (Stream<Path> inside = Files.list(folder)) {
            inside.findFirst().ifPresent(found -> {
                throw new InvalidInputException(
                        folder + ": expected a new or empty folder, found " + found.getFileName() + " in it");
            });
        }
    }

    private TokenFileWriter nextFile() {
        Path next = partial.resolve(String.format(Locale.ROOT, "%05d.%s", files.size(), TokenFile.ENDING));
        TokenFileWriter writer = new TokenFileWriter(next, vocabulary);
        files.add(next);
        return writer;
    }

    /**
     * Writes ids.
     *
     * @throws StorageException if the disk refuses
     */
    public void write(int... ids) {
        int from = 0;
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == vocabulary.endOfText()) {
                documents++;
                if (file.tokens() + i + 1 - from >= tokensPerFile) {
                    file.write(ids, from, i + 1);
                    file.commit();
                    file = nextFile();
                    from = i + 1;
                }
            }
        }
        file.write(ids, from, ids.length);
        tokens += ids.length;
    }

    /** Ids written so far. */
    public long tokens() {
        return tokens;
    }

    /** End-of-text tokens written so far. */
    public long documents() {
        return documents;
    }

    /** Files begun so far. */
    public int files() {
        return files.size();
    }

    /**
     * Ends the last file and gives the folder its name.
     *
     * @throws StorageException if the disk refuses
     */
    public void commit() {
        if (file.tokens() > 0 || files.size() == 1) {
            file.commit();
        } else {
            file.close();
            files.remove(files.size() - 1);
        }
        try {
            Files.deleteIfExists(folder);
            Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
    }

    /** Leaves nothing behind unless committed. */
    @Override
    public void close() {
        file.close();
        try {
            for (Path each : files) {
                Files.deleteIfExists(each);
            }
            Files.deleteIfExists(partial);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
    }
}
