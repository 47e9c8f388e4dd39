package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.Folders;
import org.mohawk4j.io.Sha256;

/**
 * Says whether a checkpoint is whole. {@code manifest.json} has length and SHA-256 of every file, and the marker {@code
 * COMPLETE}, which is written last, the SHA-256 of the manifest: so there is no byte whose change goes unseen.
 */
final class Manifest {
    static final String MARKER = "COMPLETE";

    private static final String NAME = "manifest.json";
    private static final String BYTES = "bytes";
    private static final String SHA256 = "sha256";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Manifest() {}

    /** What a manifest says of files that are there. */
    static ObjectNode of(Path folder, Iterable<String> files) throws IOException {
        ObjectNode manifest = JsonNodeFactory.instance.objectNode();
        for (String file : files) {
            manifest.putObject(file)
                    .put(BYTES, Files.size(folder.resolve(file)))
                    .put(SHA256, Sha256.of(folder.resolve(file)));
        }
        return manifest;
    }

    static void write(Path folder, ObjectNode manifest) throws IOException {
        AtomicFile.write(folder.resolve(NAME), manifest.toPrettyString().getBytes(StandardCharsets.UTF_8));
    }

    /** Writes the marker: from here on the checkpoint counts. */
    static void mark(Path folder) throws IOException {
        AtomicFile.write(folder.resolve(MARKER), markerOf(Files.readAllBytes(folder.resolve(NAME))));
        Folders.sync(folder);
    }

    private static byte[] markerOf(byte[] manifest) {
        return (Sha256.of(manifest) + "\n").getBytes(StandardCharsets.US_ASCII);
    }

    static boolean isMarked(Path folder) {
        return Files.exists(folder.resolve(MARKER));
    }

    /** What is wrong with a marked checkpoint, naming the file; empty if nothing is. */
    static Optional<String> damage(Path folder) {
        try {
            byte[] manifest = Files.readAllBytes(folder.resolve(NAME));
            byte[] marker = Files.readAllBytes(folder.resolve(MARKER));
            if (!Arrays.equals(marker, markerOf(manifest))) {
                return Optional.of(NAME + " does not have the SHA-256 that " + MARKER + " says");
            }
            for (Map.Entry<String, JsonNode> file : JSON.readTree(manifest).properties()) {
                Optional<String> found = damage(folder.resolve(file.getKey()), file.getValue());
                if (found.isPresent()) {
                    return found;
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("a file cannot be read: " + e);
        }
    }

    private static Optional<String> damage(Path file, JsonNode expected) throws IOException {
        String name = String.valueOf(file.getFileName());
        if (!Files.isRegularFile(file)) {
            return Optional.of(name + " is missing");
        }
        JsonNode bytes = expected.path(BYTES);
        if (!bytes.isIntegralNumber() || !bytes.canConvertToLong() || Files.size(file) != bytes.longValue()) {
            return Optional.of(name + ": expected " + bytes + " bytes, found " + Files.size(file));
        }
        return expected.path(SHA256).asText().equals(Sha256.of(file))
                ? Optional.empty()
                : Optional.of(name + " does not have its SHA-256 of " + NAME);
    }
}
