package org.mohawk4j.data.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/** How a text file is packed, which its name's ending says. */
public enum Compression {
    NONE(""),
    GZIP(".gz"),
    XZ(".xz"),
    /** Read where zstd-jni is on the class path. */
    ZSTD(".zst");

    /** What {@code xz -9} needs to unpack, 65 MiB, and some more. */
    private static final int XZ_KIBIBYTES = 80 << 10;

    private static final Set<String> UNKNOWN = Set.of(".bz2", ".zip", ".7z", ".lz4", ".br");

    private final String ending;

    Compression(String ending) {
        this.ending = ending;
    }

    /**
     * What a file's name says.
     *
     * @throws InvalidInputException for a kind of archive that is not read here, or not without a library that is missing
     */
    public static Compression of(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        for (String other : UNKNOWN) {
            if (name.endsWith(other)) {
                throw new InvalidInputException("text " + file + ": expected text, plain or as .gz, .xz or .zst, found"
                        + " a " + other + " file; unpack it first");
            }
        }
        Compression compression = ending(name);
        if (compression == ZSTD && !ZstdLibrary.isPresent()) {
            throw new InvalidInputException(
                    file + ": expected zstd-jni on the class path to read .zst with, found none;"
                            + " build with MOHAWK_MAVEN_ARGS=-Pzstd");
        }
        return compression;
    }

    private static Compression ending(String name) {
        for (Compression compression : List.of(GZIP, XZ, ZSTD)) {
            if (name.endsWith(compression.ending)) {
                return compression;
            }
        }
        return NONE;
    }

    /** A name in lower case, without this ending if it has it. */
    public String strip(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(ending) ? lower.substring(0, lower.length() - ending.length()) : lower;
    }

    /**
     * The file's unpacked bytes. What is wrong with a packed file comes as an {@link IOException} that
     * {@link #refusal} explains, at the place that is damaged.
     */
    public InputStream open(Path file) throws IOException {
        InputStream bytes = Files.newInputStream(file);
        try {
            ExpansionLimit limit = new ExpansionLimit(bytes);
            return switch (this) {
                case NONE -> bytes;
                case GZIP -> limit.unpacked(new GzipStream(limit));
                case XZ -> limit.unpacked(new XZInputStream(limit, XZ_KIBIBYTES));
                case ZSTD -> limit.unpacked(ZstdLibrary.unpacking(limit));
            };
        } catch (IOException e) {
            bytes.close();
            throw e;
        }
    }

    /** What a failure to read a file means. */
    public InvalidInputException refusal(Path file, IOException cause) {
        if (this == NONE) {
            return InputFile.unreadable(file, cause);
        }
        String reason = cause instanceof EOFException && cause.getMessage() == null
                ? "it is cut off"
                : cause instanceof MemoryLimitException limit
                        ? "it needs " + limit.getMemoryNeeded() + " KiB of memory, more than " + XZ_KIBIBYTES
                        : String.valueOf(cause.getMessage());
        return new InvalidInputException(
                file + ": expected a whole " + ending + " file, found one that cannot be unpacked: " + reason, cause);
    }
}
