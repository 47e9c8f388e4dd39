package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.Sha256;

/**
 * The tokenizer of a Hugging Face {@code tokenizer.json}, run by Hugging Face's own library. Truncation and padding are
 * off, whatever the file says. Whether texts begin with a BOS token is read from the files beside it, as transformers
 * does: {@code add_bos_token}, or else the post-processor's template. Works without a network.
 *
 * <p>Text repeats itself: with a byte-level tokenizer of the GPT-2 kind (Phi, GPT-NeoX, OPT and others), each distinct
 * word is encoded once and remembered, which gives the same ids ten times faster and needs no memory for the
 * bookkeeping of the whole text. Other tokenizers get a text of less than {@value TextPieces#MAX_BYTES} bytes in one
 * piece. A longer one, and a longer word, is cut as {@link TextPieces} says.
 */
public final class TokenizerJson implements Tokenizer {
    /** The file's name in a model folder. */
    public static final String FILE_NAME = "tokenizer.json";

    private static final int MAX_BYTES = 256 << 20;
    private static final int REMEMBERED_WORDS = 1 << 18;
    private static final int REMEMBERED_LENGTH = 32;
    private static final char REPLACEMENT = '\uFFFD';

    private final Path source;
    private final String sha256;
    private final TokenizerDescription description;
    private final NativeTokenizer tokenizer;
    private final TokenDecoder decoder;
    private final SpecialIds special;
    private final Map<String, int[]> words = new ConcurrentHashMap<>();

    private TokenizerJson(
            Path source,
            String sha256,
            TokenizerDescription description,
            NativeTokenizer tokenizer,
            SpecialIds special) {
        this.source = source;
        this.sha256 = sha256;
        this.description = description;
        this.tokenizer = tokenizer;
        this.decoder = new TokenDecoder(tokenizer, description.decoder(), description.bytes());
        this.special = special;
    }

    /**
     * Loads a {@code tokenizer.json}, or the one in a folder.
     *
     * @throws InvalidInputException if it is missing or not a valid tokenizer
     */
    public static TokenizerJson load(Path fileOrFolder) {
        return load(fileOrFolder, BosPolicy.AUTO);
    }

    /**
     * As {@link #load(Path)}.
     *
     * @param bos whether texts begin with a BOS token
     * @throws InvalidInputException also if they should and there is none, or a file beside it is not what it should be
     */
    public static TokenizerJson load(Path fileOrFolder, BosPolicy bos) {
        Path file = Files.isDirectory(fileOrFolder) ? fileOrFolder.resolve(FILE_NAME) : fileOrFolder;
        String json = InputFile.text(file, MAX_BYTES);
        try {
            TokenizerDescription description = TokenizerDescription.read(json);
            NativeTokenizer tokenizer = explained(file, () -> new NativeTokenizer(json));
            TokenizerDescription known = explained(file, () -> description.withIds(token -> id(tokenizer, token)));
            TokenizerConfig config = TokenizerConfig.read(file);
            SpecialIds special = SpecialIds.of(
                    file, known, config, bos, token -> explained(file, () -> id(known, tokenizer, token)));
            return new TokenizerJson(file, Sha256.of(json.getBytes(UTF_8)), known, tokenizer, special);
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(file.toString(), e);
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException(file + ": not a tokenizer: " + e.getMessage(), e);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    /**
     * Throws if texts can have ids that a model has no rows for. Special tokens may lie beyond them, as Gemma 3's for images
     * do in its smallest models, which have never seen one.
     *
     * @param rows of the model's embedding
     * @throws InvalidInputException in one line
     */
    public void requireRows(long rows) {
        if (description.ordinarySize() > rows) {
            throw new InvalidInputException(source + ": expected ids below " + rows
                    + ", the rows of the model's embedding, found ids up to " + (description.ordinarySize() - 1));
        }
    }

    @Override
    public int[] encode(String text) {
        String valid = withoutLoneSurrogates(text);
        int[] ids = {};
        int count = 0;
        int start = 0;
        while (start < valid.length()) {
            int end = TextPieces.end(valid, start);
            String piece = valid.substring(start, end);
            int[] more = description.splitsAtSpace() ? encodeWords(piece) : encodePiece(piece);
            ids = start == 0 ? more : append(ids, count, more);
            count += more.length;
            start = end;
        }
        return Arrays.copyOf(ids, count);
    }

    @Override
    public String decode(int... ids) {
        requireKnown(ids);
        return decoder.decode(ids);
    }

    @Override
    public int stableLength(String text, int... ids) {
        requireKnown(ids);
        return decoder.stableLength(text, ids);
    }

    @Override
    public byte[] bytes(int id) {
        requireKnown(id);
        return decoder.bytes(id);
    }

    private void requireKnown(int... ids) {
        for (int id : ids) {
            if (id < 0 || id >= vocabularySize()) {
                throw new IllegalArgumentException(
                        "token id " + id + " is not in the vocabulary of " + vocabularySize() + " of " + source);
            }
        }
    }

    @Override
    public int vocabularySize() {
        return description.vocabularySize();
    }

    @Override
    public OptionalInt endOfText() {
        return special.endOfText();
    }

    @Override
    public OptionalInt beginOfText() {
        return special.beginOfText();
    }

    @Override
    public OptionalInt prefix() {
        return special.prefix();
    }

    @Override
    public Set<Integer> stops() {
        return special.stops();
    }

    /** SHA-256 of the {@code tokenizer.json} in hexadecimal: what tokens prepared with it are told by. */
    public String sha256() {
        return sha256;
    }

    /** Of an added token, or of one that is in the model's vocabulary and says what it is. */
    private static OptionalInt id(TokenizerDescription description, NativeTokenizer tokenizer, String token) {
        int[] ids = description.idOf(token).isPresent() ? new int[0] : tokenizer.encode(withoutLoneSurrogates(token));
        boolean isOne = ids.length == 1 && tokenizer.decode(ids).equals(token);
        return isOne ? OptionalInt.of(ids[0]) : description.idOf(token);
    }

    private static int id(NativeTokenizer tokenizer, TokenizerDescription.AddedToken token) {
        int[] ids = tokenizer.encode(withoutLoneSurrogates(token.content()));
        return ids.length == 1 ? ids[0] : token.id();
    }

    /** The ids of a text, encoded in one piece. */
    int[] encodePiece(String text) {
        return text.isEmpty() ? new int[0] : explained(source, () -> tokenizer.encode(text));
    }

    private int[] encodeWords(String text) {
        int[] ids = new int[text.length() / 3 + 16];
        int count = 0;
        int start = 0;
        while (start < text.length()) {
            int end = endOfWord(text, start);
            int[] word = encodeWord(text.substring(start, end));
            ids = append(ids, count, word);
            count += word.length;
            start = end;
        }
        return Arrays.copyOf(ids, count);
    }

    /** Adds ids behind so many others, in the same array or a larger one. */
    private static int[] append(int[] ids, int count, int... more) {
        int[] all = count + more.length > ids.length
                ? Arrays.copyOf(ids, Math.max(count + more.length, ids.length + ids.length / 2))
                : ids;
        System.arraycopy(more, 0, all, count, more.length);
        return all;
    }

    private int[] encodeWord(String word) {
        int[] known = words.get(word);
        if (known != null) {
            return known;
        }
        int[] ids = encodePiece(word);
        if (word.length() <= REMEMBERED_LENGTH && words.size() < REMEMBERED_WORDS) {
            words.put(word, ids);
        }
        return ids;
    }

    /** The first place after {@code start} where whitespace follows something else, or the end. */
    private static int endOfWord(String text, int start) {
        for (int i = start + 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c == ' ' || c == '\n' || c == '\r' || c == '\t') && isSolid(text.charAt(i - 1))) {
                return i;
            }
        }
        return text.length();
    }

    /** Whether a character is certainly no whitespace, in whichever version of Unicode. */
    private static boolean isSolid(char c) {
        return c < 0x7f
                ? c > ' '
                : c > 0xa0 && !Character.isWhitespace(c) && !Character.isSpaceChar(c) && c != '\u180e';
    }

    /** The text with U+FFFD for each half of a surrogate pair that stands alone, which native strings cannot hold. */
    private static String withoutLoneSurrogates(String text) {
        StringBuilder fixed = new StringBuilder();
        int copied = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                if (Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    fixed.append(text, copied, i).append(REPLACEMENT);
                    copied = i + 1;
                }
            }
        }
        return copied == 0 ? text : fixed.append(text, copied, text.length()).toString();
    }

    /** Runs native code, whose only exceptions say what is wrong with the tokenizer's file. */
    private static <T> T explained(Path file, Supplier<T> call) {
        try {
            return call.get();
        } catch (IllegalStateException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new InvalidInputException(
                    file + ": not a tokenizer that can be used: " + InputFile.explanation(e), e);
        }
    }
}
