package org.mohawk4j.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;

/**
 * The folder of a run: {@code config.yaml}, {@code metrics.jsonl}, {@code statistics.jsonl}, {@code student/}, {@code report/}.
 *
 * <ul>
 *   <li>{@link #at} looks and touches nothing, so that a run refused for its input leaves nothing behind.
 *   <li>{@link #begin} makes the folder, with {@code config.yaml}. From then on everything stays, even if the run fails
 *       later: after days of training, what there is of the metrics is worth having.
 *   <li>{@code student/} and {@code report/} appear when they are complete, by renaming; a {@code student/} that is
 *       there is whole, and a failed or killed run has none or its last whole one.
 * </ul>
 */
public final class RunFolder {
    private final Path path;

    private RunFolder(Path path) {
        this.path = path;
    }

    /** Writes the contents of a folder. */
    @FunctionalInterface
    public interface Contents {
        /** Writes into {@code folder}, which exists and is empty. */
        void writeTo(Path folder) throws IOException;
    }

    /**
     * A folder to be, checked.
     *
     * @throws InvalidInputException if there is a file, a folder that is not empty, or no permission to make one
     */
    public static RunFolder at(Path out) {
        RunFolder folder = new RunFolder(out);
        folder.check();
        return folder;
    }

    private void check() {
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw new InvalidInputException("out " + path + ": expected a new or empty folder, found a file");
        }
        if (Files.isDirectory(path)) {
            try (Stream<Path> files = Files.list(path)) {
                files.findFirst().ifPresent(file -> {
                    throw new InvalidInputException(
                            "out " + path + ": expected a new or empty folder, found " + file.getFileName() + " in it");
                });
            } catch (IOException e) {
                throw new InvalidInputException("out " + path + ": expected a readable folder, found " + e, e);
            }
        }
        Path parent = path.toAbsolutePath().normalize();
        while (!Files.exists(parent)) {
            parent = Objects.requireNonNull(parent.getParent(), "a file system's root exists");
        }
        if (!Files.isDirectory(parent)) {
            throw new InvalidInputException("out " + path + ": expected a folder to be in, found the file " + parent);
        }
        if (!Files.isWritable(parent)) {
            throw new InvalidInputException("out " + path + ": expected permission to write in " + parent);
        }
    }

    /**
     * Makes the folder and writes {@code config.yaml}. To be called when nothing can be refused any more, best after the
     * first training step.
     *
     * @throws InvalidInputException if the folder cannot be made, or something was put there meanwhile
     */
    public void begin(DistillConfig config) {
        check();
        try {
            Files.createDirectories(path);
            Path partial = path.resolve(".config.yaml.partial");
            Files.writeString(
                    partial,
                    "# Every value of this run; to repeat it: ./mohawk distill --config THIS_FILE --out NEW_FOLDER\n"
                            + DistillConfigYaml.format(config),
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE_NEW);
            Files.move(partial, config(), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new InvalidInputException("out " + path + ": cannot make the run folder: " + e, e);
        }
    }

    /** The folder itself. */
    public Path path() {
        return path;
    }

    /** The student: configuration, weights, tokenizer. */
    public Path student() {
        return path.resolve("student");
    }

    /** Every value of the run. */
    public Path config() {
        return path.resolve("config.yaml");
    }

    /** One JSON object per training step; see {@link StepMetrics}. */
    public Path metrics() {
        return path.resolve("metrics.jsonl");
    }

    /** Statistics of parameters, gradients, updates and activations: JSON lines. */
    public Path statistics() {
        return path.resolve("statistics.jsonl");
    }

    /** The report; its page is {@code index.html}. */
    public Path report() {
        return path.resolve("report");
    }

    /** Writes {@code student/} as a whole, in the place of an earlier one. */
    public void writeStudent(Contents contents) throws IOException {
        replace(student(), contents);
    }

    /** Writes {@code report/} as a whole, in the place of an earlier one. */
    public void writeReport(Contents contents) throws IOException {
        replace(report(), contents);
    }

    private void replace(Path target, Contents contents) throws IOException {
        Path partial = path.resolve("." + target.getFileName() + ".partial");
        Path previous = path.resolve("." + target.getFileName() + ".previous");
        deleteTree(partial);
        Files.createDirectory(partial);
        try {
            contents.writeTo(partial);
        } catch (IOException | RuntimeException | Error e) {
            try {
                deleteTree(partial);
            } catch (IOException alsoFailed) {
                e.addSuppressed(alsoFailed);
            }
            throw e;
        }
        if (Files.exists(target)) {
            deleteTree(previous);
            Files.move(target, previous, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        deleteTree(previous);
    }

    private static void deleteTree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** A writer of {@link #metrics}, which must not exist yet. */
    public MetricsWriter openMetrics() {
        try {
            return new MetricsWriter(metrics());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + metrics(), e);
        }
    }
}
