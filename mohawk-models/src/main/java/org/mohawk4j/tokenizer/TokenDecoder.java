package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Ids to text, with what is known of the decoder: how much of the text is settled, and which bytes a token stands for. */
final class TokenDecoder {
    private static final char REPLACEMENT = '\uFFFD';

    private final NativeTokenizer tokenizer;
    private final TokenBytes bytes;
    private final DecoderKind kind;
    private final OptionalInt misfit;

    TokenDecoder(NativeTokenizer tokenizer, DecoderKind kind, TokenBytes bytes) {
        this.tokenizer = tokenizer;
        this.bytes = bytes;
        this.misfit = kind == DecoderKind.BYTE_FALLBACK ? bytes.misfit() : OptionalInt.empty();
        // what stands before the fallback may have made something else of the token
        boolean isMisfit = misfit.isEmpty() || decode(misfit.getAsInt()).equals(String.valueOf(REPLACEMENT));
        this.kind = isMisfit ? kind : DecoderKind.UNKNOWN;
    }

    String decode(int... ids) {
        return ids.length == 0 ? "" : tokenizer.decode(ids);
    }

    /** As {@link Tokenizer#stableLength}. */
    int stableLength(String text, int... ids) {
        return switch (kind) {
            case SETTLED -> text.length();
            case BYTE_LEVEL -> text.endsWith(String.valueOf(REPLACEMENT)) ? text.length() - 1 : text.length();
            case BYTE_FALLBACK -> {
                int whole = Tokenizer.withoutReplacements(text);
                yield misfit.isEmpty() ? whole : Math.min(whole, common(text, followed(ids, misfit.getAsInt())));
            }
            // any ids do to see what becomes of the last token before others
            case LAST_TOKEN -> common(text, followed(ids, ids));
            case UNKNOWN -> 0;
        };
    }

    private String followed(int[] ids, int... next) {
        return decode(IntStream.concat(Arrays.stream(ids), Arrays.stream(next)).toArray());
    }

    private static int common(String a, String b) {
        int different = Arrays.mismatch(a.toCharArray(), b.toCharArray());
        return different < 0 ? a.length() : different;
    }

    /** As {@link Tokenizer#bytes}. */
    byte[] bytes(int id) {
        return bytes.of(id, kind).orElseGet(() -> {
            // the second one is not the first of a text, whose beginning decoders may strip
            String once = decode(id);
            String twice = decode(id, id);
            boolean adds = twice.length() > once.length() && twice.startsWith(once);
            return (adds ? twice.substring(once.length()) : once).getBytes(UTF_8);
        });
    }
}
