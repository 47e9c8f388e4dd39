package org.mohawk4j.data.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.file.Compression;
import org.mohawk4j.data.tokens.TokenFile;
import org.mohawk4j.io.InputFile;

/** Finds the files that a user means, always in the same order. */
final class ShardFinder {
    private static final String SPECIAL = "*?[{";

    private ShardFinder() {}

    /**
     * The files of a location, by name.
     *
     * @param location a file, which is text unless its name says otherwise; a folder, of which all files are taken whose
     *     names say what they hold, those of folders in it too; or a pattern with {@code *}, {@code **}, {@code ?},
     *     {@code [abc]} or {@code {a,b}}, of which all files are
     * @throws InvalidInputException if there is none
     */
    static List<Shard> find(String location) {
        try {
            int special = firstSpecial(location);
            if (special < location.length() && !Mixture.exists(location)) {
                return matching(location, location.lastIndexOf('/', special) + 1);
            }
            Path path = Path.of(location);
            if (Files.isDirectory(path)) {
                return found(location, path, file -> formatOf(file).isPresent());
            }
            if (!Files.exists(path)) {
                throw new InvalidInputException("text " + location + ": expected a file, a folder or a pattern, found "
                        + InputFile.whatIsAt(path));
            }
            return List.of(sourceFile(path, String.valueOf(path.getFileName())));
        } catch (InvalidPathException | PatternSyntaxException e) {
            throw new InvalidInputException(
                    "text " + location + ": expected a file, a folder or a pattern, found a name that is none: "
                            + e.getMessage(),
                    e);
        } catch (UncheckedIOException e) {
            throw InputFile.unreadable(Path.of(location), Objects.requireNonNull(e.getCause()));
        } catch (IOException e) {
            throw InputFile.unreadable(Path.of(location), e);
        }
    }

    /** @param nameStart where the part of the pattern begins that is below a folder without special characters */
    private static List<Shard> matching(String pattern, int nameStart) throws IOException {
        Path folder = Path.of(pattern.substring(0, nameStart));
        if (!Files.isDirectory(folder.resolve(""))) {
            throw new InvalidInputException(
                    "text " + pattern + ": expected a folder " + folder + " to search, found none");
        }
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern.substring(nameStart));
        return found(pattern, folder, file -> matcher.matches(folder.relativize(file)));
    }

    /**
     * The files of a folder, and of folders in it, that {@link #find} does not take since their names do not say what they
     * hold; none of any other location.
     */
    static List<Path> skippedFiles(String location) {
        Path folder = Path.of(location);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try {
            return visible(folder).stream()
                    .filter(file -> formatOf(file).isEmpty())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw InputFile.unreadable(folder, e);
        }
    }

    private static List<Path> visible(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            return all.filter(file -> isVisible(folder.relativize(file)))
                    .filter(Files::isRegularFile)
                    .toList();
        }
    }

    private static List<Shard> found(String location, Path folder, Predicate<Path> wanted) throws IOException {
        List<Shard> files = visible(folder).stream()
                .filter(wanted)
                .map(file -> sourceFile(file, nameOf(folder.relativize(file))))
                .sorted(Comparator.comparing(Shard::name))
                .toList();
        if (files.isEmpty()) {
            throw new InvalidInputException("text " + location
                    + ": expected files named .txt, .jsonl, .json, .ndjson (also with .gz, .xz or .zst), .parquet or ."
                    + TokenFile.ENDING + ", found none");
        }
        return files;
    }

    private static Shard sourceFile(Path file, String name) {
        InputFile.requireRegular(file);
        FileFormat format = formatOf(file).orElse(FileFormat.TEXT);
        Compression compression = Compression.of(file);
        if (compression != Compression.NONE && (format == FileFormat.PARQUET || format == FileFormat.TOKENS)) {
            throw new InvalidInputException("text " + file + ": expected a file that is not packed; unpack it first");
        }
        try {
            long bytes = Files.size(file);
            long length = switch (format) {
                case TEXT, JSON_LINES -> compression == Compression.NONE ? bytes : 0;
                case PARQUET -> 0;
                case TOKENS -> TokenFile.open(file).tokens();
            };
            return new Shard(file, name, format, compression, bytes, length);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    private static Optional<FileFormat> formatOf(Path file) {
        String name = String.valueOf(file.getFileName());
        for (Compression compression : Compression.values()) {
            Optional<FileFormat> format = FileFormat.of(compression.strip(name));
            if (format.isPresent()) {
                return format;
            }
        }
        return Optional.empty();
    }

    /** The same on every system. */
    private static String nameOf(Path relative) {
        return relative.toString().replace(relative.getFileSystem().getSeparator(), "/");
    }

    /** Whether neither the file nor a folder around it is hidden. */
    private static boolean isVisible(Path relative) {
        for (Path part : relative) {
            if (part.toString().startsWith(".")) {
                return false;
            }
        }
        return true;
    }

    private static int firstSpecial(String location) {
        int first = 0;
        while (first < location.length() && SPECIAL.indexOf(location.charAt(first)) < 0) {
            first++;
        }
        return first;
    }
}
