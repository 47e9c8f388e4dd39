package org.mohawk4j.train.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.Sha256;

/**
 * A fingerprint of a file, which detects changes.
 *
 * @param bytes its size
 * @param sha256 of its bytes, or of a sample of them
 * @param sampled whether of a sample
 */
public record FileFingerprint(long bytes, String sha256, boolean sampled) {
    private static final int SAMPLES = 16;
    private static final int SAMPLE_BYTES = 1 << 14;
    private static final String BYTES = "bytes";
    private static final String WHOLE = "sha256";
    private static final String SAMPLE = "sample_sha256";

    /**
     * By all bytes.
     *
     * @throws InvalidInputException if the file cannot be read
     */
    public static FileFingerprint whole(Path file) {
        try {
            return new FileFingerprint(Files.size(file), Sha256.of(file), false);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    /**
     * By its size and sixteen evenly spaced stretches of 16 KiB, the first bytes and the last among them. What is packed,
     * and token files, have checksums of the rest there.
     *
     * @throws InvalidInputException if the file cannot be read
     */
    public static FileFingerprint sample(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size <= (long) SAMPLES * SAMPLE_BYTES) {
                return whole(file);
            }
            MessageDigest digest = Sha256.digest();
            ByteBuffer stretch = ByteBuffer.allocate(SAMPLE_BYTES);
            for (int i = 0; i < SAMPLES; i++) {
                long at = (size - SAMPLE_BYTES) / (SAMPLES - 1) * i;
                read(channel, i == SAMPLES - 1 ? size - SAMPLE_BYTES : at, stretch.clear());
                digest.update(stretch.flip());
            }
            return new FileFingerprint(size, Sha256.of(digest), true);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    private static void read(FileChannel channel, long from, ByteBuffer target) throws IOException {
        while (target.hasRemaining() && channel.read(target, from + target.position()) >= 0) {
            // reads until all is there, or until a file that shrinks ends
        }
    }

    /** What is different now, to stand behind the file's name; empty if nothing is. */
    Optional<String> changeTo(FileFingerprint now) {
        if (now.equals(this)) {
            return Optional.empty();
        }
        return Optional.of(now.bytes == bytes ? "has other contents" : "had " + bytes + " bytes, has " + now.bytes);
    }

    ObjectNode toJson() {
        return JsonNodeFactory.instance.objectNode().put(BYTES, bytes).put(sampled ? SAMPLE : WHOLE, sha256);
    }

    /** @throws InvalidInputException if it is not what {@link #toJson} gives */
    static FileFingerprint parse(String name, JsonNode json) {
        boolean sampled = json.has(SAMPLE);
        JsonNode sha256 = json.path(sampled ? SAMPLE : WHOLE);
        JsonNode bytes = json.path(BYTES);
        if (!bytes.isIntegralNumber() || !bytes.canConvertToLong() || bytes.longValue() < 0 || !sha256.isTextual()) {
            throw new InvalidInputException(
                    name + ": expected bytes and SHA-256 of each file, found " + InputFile.shorten(json.toString()));
        }
        return new FileFingerprint(bytes.longValue(), sha256.asText(), sampled);
    }
}
