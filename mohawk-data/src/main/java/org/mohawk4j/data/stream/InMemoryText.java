package org.mohawk4j.data.stream;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TextEncoder;
import org.mohawk4j.data.TextFile;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.FileFormat;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.source.Shard;

/** Texts in files read as a whole, into the memory. */
public final class InMemoryText {
    /** The largest file that counts as moderate. Its tokens take about as much memory as it has bytes. */
    private static final long MODERATE_BYTES = 256L << 20;

    private static final int MOST_TOKENS = 1 << 30;

    private InMemoryText() {}

    /** Whether a mixture is one file of text, packed or not, of at most 256 MiB. */
    public static boolean fitsInMemory(Mixture mixture) {
        if (mixture.parts().size() > 1) {
            return false;
        }
        List<Shard> files = files(mixture);
        return files.size() == 1
                && files.get(0).format() == FileFormat.TEXT
                && files.get(0).bytes() <= MODERATE_BYTES;
    }

    /**
     * The tokens of one moderate file, which is one document without an end-of-text token.
     *
     * @throws InvalidInputException if it cannot be read
     */
    public static TokenSequence read(Mixture moderate, TextEncoder encoder) {
        return TokenSequence.encode(new TextFile(files(moderate).get(0).path()), encoder);
    }

    /**
     * The first tokens of any texts, in the order of the files, an end-of-text token behind each document.
     *
     * @param most how many; all of them if there are fewer
     * @throws InvalidInputException if they cannot be read, have weights, or are too many for the memory
     */
    public static TokenSequence read(Mixture mixture, Encoding encoding, StreamOptions options, long most) {
        int[] ids = new int[1 << 16];
        int size = 0;
        try (TextTokens tokens = new TextTokens(files(mixture), encoding, options)) {
            Optional<int[]> next = tokens.next();
            while (next.isPresent() && size < most) {
                int more = (int) Math.min(next.get().length, most - size);
                if (size > MOST_TOKENS - more) {
                    throw new InvalidInputException("text " + mixture + ": expected at most " + MOST_TOKENS
                            + " tokens to read into the memory, found more; say how many windows of it are wanted");
                }
                if (size + more > ids.length) {
                    ids = Arrays.copyOf(ids, Math.max(size + more, 2 * ids.length));
                }
                System.arraycopy(next.get(), 0, ids, size, more);
                size += more;
                next = size < most ? tokens.next() : Optional.empty();
            }
        }
        return TokenSequence.of(mixture.toString(), Arrays.copyOf(ids, size));
    }

    /**
     * The files of a mixture without weights, in its order.
     *
     * @throws InvalidInputException if it has weights
     */
    public static List<Shard> files(Mixture mixture) {
        if (mixture.parts().size() > 1) {
            throw new InvalidInputException("texts: expected no weights where each is read once, got " + mixture);
        }
        return mixture.parts().get(0).files();
    }
}
