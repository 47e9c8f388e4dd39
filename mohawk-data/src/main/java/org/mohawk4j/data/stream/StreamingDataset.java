package org.mohawk4j.data.stream;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.source.Shard;
import org.mohawk4j.io.Sha256;

/** Texts in files, streamed: neither the texts nor their tokens need fit into the memory. */
public final class StreamingDataset implements Dataset {
    private final List<Part> parts;
    private final Encoding encoding;
    private final StreamOptions options;

    private StreamingDataset(List<Part> parts, Encoding encoding, StreamOptions options) {
        this.parts = parts;
        this.encoding = encoding;
        this.options = options;
    }

    /**
     * Finds the files of a mixture.
     *
     * @throws InvalidInputException if there are none, or token files do not fit the model or its tokenizer
     */
    public static StreamingDataset of(Mixture mixture, Encoding encoding, StreamOptions options) {
        double total =
                mixture.parts().stream().mapToDouble(Mixture.Part::weight).sum();
        List<Part> parts = new ArrayList<>();
        for (Mixture.Part part : mixture.parts()) {
            List<Shard> files = part.files();
            files.forEach(file -> file.requireFits(encoding));
            parts.add(new Part(files, part.weight() / total));
        }
        return new StreamingDataset(List.copyOf(parts), encoding, options);
    }

    /** @param share of the windows, all shares having sum 1 */
    record Part(List<Shard> files, double share) {}

    List<Part> parts() {
        return parts;
    }

    Encoding encoding() {
        return encoding;
    }

    StreamOptions options() {
        return options;
    }

    /** How many files there are. */
    public int files() {
        return parts.stream().mapToInt(part -> part.files().size()).sum();
    }

    /** How large they are together, packed or not. */
    public long bytes() {
        return parts.stream()
                .flatMap(part -> part.files().stream())
                .mapToLong(Shard::bytes)
                .sum();
    }

    @Override
    public DataLoader batches(int context, int batch, long seed) {
        return new StreamingLoader(this, context, batch, seed);
    }

    /** By names, sizes and shares of the files, wherever they lie. */
    @Override
    public Optional<Fingerprint> fingerprint() {
        return Optional.of(new Fingerprint(bytes(), fingerprintOfFiles()));
    }

    String fingerprintOfFiles() {
        MessageDigest digest = Sha256.digest();
        for (Part part : parts) {
            digest.update((part.share() + "\n").getBytes(StandardCharsets.UTF_8));
            for (Shard file : part.files()) {
                digest.update((file.bytes() + " " + file.name() + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
        digest.update(encoding.textField().getBytes(StandardCharsets.UTF_8));
        encoding.beginOfText().ifPresent(bos -> digest.update(("\nbos " + bos).getBytes(StandardCharsets.UTF_8)));
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }
}
