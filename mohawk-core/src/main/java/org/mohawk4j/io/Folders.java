package org.mohawk4j.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;

/** Utilities for folders. */
public final class Folders {
    private Folders() {}

    /** What is there already of a path: itself or the nearest around it. */
    public static Path nearestOf(Path path) {
        Path nearest = path.toAbsolutePath().normalize();
        while (!Files.exists(nearest)) {
            nearest = Objects.requireNonNull(nearest.getParent(), "a file system's root exists");
        }
        return nearest;
    }

    /**
     * Checks that an output folder can be written to, or made, as far as that can be said without doing it.
     *
     * @throws InvalidInputException if it cannot
     */
    public static void requireWritable(Path folder) {
        Path parent = nearestOf(folder);
        if (!Files.isDirectory(parent)) {
            throw new InvalidInputException("out " + folder + ": expected a folder to be in, found the file " + parent);
        }
        if (!Files.isWritable(parent)) {
            throw new InvalidInputException("out " + folder + ": expected permission to write in " + parent);
        }
    }

    /** Puts a folder's names on the disk, where a folder can be opened: on POSIX systems. */
    public static void sync(Path folder) throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /** Deletes a folder with everything in it, if it is there. */
    public static void delete(Path folder) throws IOException {
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
}
