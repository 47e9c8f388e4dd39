package org.mohawk4j.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.Sha256;

/**
 * The token ids of a text, four bytes each, in memory. Immutable. Parts of it are views, not copies.
 *
 * <p>{@code name} says in error messages which text this is: a path, usually.
 */
public final class TokenSequence {
    private static final int HASHED_AT_ONCE = 1 << 14;

    private final String name;
    private final int[] ids;
    private final int from;
    private final int length;

    private TokenSequence(String name, int[] ids, int from, int length) {
        this.name = Objects.requireNonNull(name, "name");
        this.ids = ids;
        this.from = from;
        this.length = length;
    }

    /** A sequence of these ids, which are copied. */
    public static TokenSequence of(String name, int... ids) {
        return new TokenSequence(name, ids.clone(), 0, ids.length);
    }

    /** The tokens of a text. */
    public static TokenSequence encode(String name, String text, TextEncoder encoder) {
        return of(name, encoder.encode(text));
    }

    /** The tokens of a file of UTF-8 text, named by its path. */
    public static TokenSequence encode(TextFile file, TextEncoder encoder) {
        return encode(file.path().toString(), file.read(), encoder);
    }

    public String name() {
        return name;
    }

    /** How many tokens there are. */
    public int length() {
        return length;
    }

    /** The id at a position, from 0. */
    public int get(int position) {
        return ids[from + Objects.checkIndex(position, length)];
    }

    /** Tokens {@code start} to {@code end - 1}, as a view. */
    public TokenSequence slice(int start, int end) {
        Objects.checkFromToIndex(start, end, length);
        return new TokenSequence(name, ids, from + start, end - start);
    }

    /** Copies {@code count} ids from {@code position} into {@code target} from {@code offset}. */
    public void copy(int position, int count, int[] target, int offset) {
        Objects.checkFromIndexSize(position, count, length);
        System.arraycopy(ids, from + position, target, offset, count);
    }

    /** The ids, copied. */
    public int[] toArray() {
        return Arrays.copyOfRange(ids, from, from + length);
    }

    /** What tells this text from others: all of its ids. */
    public Dataset.Fingerprint fingerprint() {
        MessageDigest digest = Sha256.digest();
        ByteBuffer piece = ByteBuffer.allocate(HASHED_AT_ONCE * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < length; at += HASHED_AT_ONCE) {
            int count = Math.min(HASHED_AT_ONCE, length - at);
            piece.clear().asIntBuffer().put(ids, from + at, count);
            digest.update(piece.limit(count * Integer.BYTES));
        }
        return new Dataset.Fingerprint((long) length * Integer.BYTES, Sha256.of(digest));
    }

    /**
     * Checks that a model with this vocabulary can embed every token.
     *
     * @param vocabularySize V, the rows of the model's embedding
     * @return this sequence
     * @throws InvalidInputException naming the first id that is negative or not below V, and its position
     */
    public TokenSequence requireVocabulary(int vocabularySize) {
        for (int i = 0; i < length; i++) {
            int id = ids[from + i];
            if (id < 0 || id >= vocabularySize) {
                throw new InvalidInputException("text " + name + ": expected token ids from 0 to "
                        + (vocabularySize - 1) + ", the model's vocabulary, found " + id + " at token " + i);
            }
        }
        return this;
    }

    /** Both parts of {@link #splitLast}: neither holds a token of the other. */
    public record Split(TokenSequence training, TokenSequence heldOut) {}

    /**
     * Holds out the end of this text: the last {@code fraction} of its tokens, rounded to a token.
     *
     * @param fraction between 0 and 1, both excluded
     * @param context T; each part must hold at least one window of T + 1 tokens
     * @throws InvalidInputException if a part is shorter than one window
     */
    public Split splitLast(double fraction, int context) {
        if (!(fraction > 0 && fraction < 1)) {
            throw new IllegalArgumentException("fraction: expected a number between 0 and 1, got " + fraction);
        }
        int heldOut = (int) Math.round(length * fraction);
        int window = context + 1;
        if (heldOut < window || length - heldOut < window) {
            throw new InvalidInputException(String.format(
                    Locale.ROOT,
                    "text %s: expected at least one window of context %d + 1 tokens to train on and one held out,"
                            + " found %d tokens split into %d and %d; give more text, a smaller context or another"
                            + " held-out fraction than %s",
                    name,
                    context,
                    length,
                    length - heldOut,
                    heldOut,
                    fraction));
        }
        return new Split(slice(0, length - heldOut), slice(length - heldOut, length));
    }
}
