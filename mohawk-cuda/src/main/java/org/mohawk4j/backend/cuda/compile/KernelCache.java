package org.mohawk4j.backend.cuda.compile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.UserHome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Machine code on disk, under the hash of the text that it follows from. A file is the code after its own SHA-256, since
 * the driver reads machine code without asking how long it is: what is cut off or damaged is deleted and counts as not
 * there. If the folder cannot be used, kernels are compiled again.
 */
final class KernelCache {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCache.class);
    private static final int HASH_BYTES = 32;

    private final Path folder;
    private boolean complained;

    KernelCache(Path folder) {
        this.folder = folder;
    }

    /** Where the system property {@code mohawk.cuda.cache} says, by default {@code mohawk4j/cuda} in the user's cache. */
    static KernelCache ofUser() {
        return new KernelCache(
                folder(System.getProperty("mohawk.cuda.cache"), System.getenv("XDG_CACHE_HOME"), UserHome.path()));
    }

    /**
     * @param chosen the folder itself, if that was said
     * @param caches the folder of all programs' caches; nothing and an empty name both mean {@code .cache}, as the XDG
     *     Base Directory Specification has it
     */
    static Path folder(@Nullable String chosen, @Nullable String caches, String home) {
        if (chosen != null && !chosen.isBlank()) {
            return Path.of(UserHome.expand(chosen));
        }
        Path all = caches == null || caches.isBlank() ? Path.of(home, ".cache") : Path.of(caches);
        return all.resolve("mohawk4j/cuda");
    }

    /** The code that was kept for this text, whole. */
    Optional<byte[]> read(String text) {
        Path file = file(text);
        try {
            byte[] kept = Files.readAllBytes(file);
            if (kept.length > HASH_BYTES) {
                byte[] code = Arrays.copyOfRange(kept, HASH_BYTES, kept.length);
                if (Arrays.equals(sha256(code), Arrays.copyOf(kept, HASH_BYTES))) {
                    return Optional.of(code);
                }
            }
            LOG.debug("{} is damaged and is made anew", file);
            drop(text);
        } catch (NoSuchFileException e) {
            // not compiled yet
        } catch (IOException e) {
            complain(e);
        }
        return Optional.empty();
    }

    /** Written beside and moved, so that two processes can fill the cache at once. */
    void keep(String text, byte[] code) {
        try {
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "part", ".code");
            try {
                byte[] whole = Arrays.copyOf(sha256(code), HASH_BYTES + code.length);
                System.arraycopy(code, 0, whole, HASH_BYTES, code.length);
                Files.write(part, whole);
                move(part, file(text));
            } finally {
                // there only if something failed
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            complain(e);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Forgets what was kept for this text. */
    void drop(String text) {
        try {
            Files.deleteIfExists(file(text));
        } catch (IOException e) {
            complain(e);
        }
    }

    private Path file(String text) {
        return folder.resolve(HexFormat.of().formatHex(sha256(text.getBytes(StandardCharsets.UTF_8))) + ".code");
    }

    private void complain(IOException e) {
        if (!complained) {
            complained = true;
            LOG.warn(
                    "compiled kernels cannot be kept in {}, so every start compiles them: {}; -Dmohawk.cuda.cache=DIR"
                            + " names another folder",
                    folder,
                    e.toString());
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
