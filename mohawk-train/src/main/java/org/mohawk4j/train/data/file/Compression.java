package org.mohawk4j.train.data.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.safetensors.InputFile;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/** How a text file is packed, which its name's ending says. */
public enum Compression {
    NONE(""),
    GZIP(".gz"),
    XZ(".xz");

    /** What {@code xz -9} needs to unpack, 65 MiB, and some more. */
    private static final int XZ_KIBIBYTES = 80 << 10;

    private static final Set<String> UNKNOWN = Set.of(".bz2", ".zst", ".zip", ".7z", ".lz4", ".br");

    private final String ending;

    Compression(String ending) {
        this.ending = ending;
    }

    /**
     * What a file's name says.
     *
     * @throws InvalidInputException for a kind of archive that is not read here
     */
    public static Compression of(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        for (String other : UNKNOWN) {
            if (name.endsWith(other)) {
                throw new InvalidInputException("text " + file + ": expected text, plain or as .gz or .xz, found a "
                        + other + " file; unpack it first");
            }
        }
        return name.endsWith(GZIP.ending) ? GZIP : name.endsWith(XZ.ending) ? XZ : NONE;
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
        if (this == NONE) {
            return bytes;
        }
        try {
            ExpansionLimit limit = new ExpansionLimit(bytes);
            return limit.unpacked(this == GZIP ? new GzipStream(limit) : new XZInputStream(limit, XZ_KIBIBYTES));
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
