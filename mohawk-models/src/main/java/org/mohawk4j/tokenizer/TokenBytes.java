package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** The bytes of tokens that may be parts of characters, by the two ways in which vocabularies spell bytes. */
final class TokenBytes {
    private static final int VALUES = 256;
    private static final int FIRST_OF_SEVERAL = 0xc0;
    private static final Pattern SINGLE = Pattern.compile("<0x[0-9a-fA-F]{2}>");
    private static final Map<Character, Byte> LETTERS = letters();

    /** Of tokens in GPT-2's letters for bytes: those that are not UTF-8 by themselves. */
    private final Map<Integer, byte[]> parts = new HashMap<>();

    /** Of tokens such as {@code <0xE2>}. */
    private final Map<Integer, byte[]> singles = new HashMap<>();

    /** GPT-2's: a byte that is a visible character of Latin-1 is that, others are U+0100 and following. */
    private static Map<Character, Byte> letters() {
        Map<Character, Byte> letters = new HashMap<>();
        for (int value = 0, others = VALUES; value < VALUES; value++) {
            boolean visible = (value > ' ' && value < 0x7f) || (value > 0xa0 && value != 0xad);
            letters.put((char) (visible ? value : others++), (byte) value);
        }
        return letters;
    }

    /** Adds a token; a later one with the same id takes its place. */
    void add(String token, int id) {
        parts.remove(id);
        singles.remove(id);
        if (SINGLE.matcher(token).matches()) {
            singles.put(id, new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)});
        }
        byte[] bytes = new byte[token.length()];
        boolean ascii = true;
        for (int i = 0; i < bytes.length; i++) {
            Byte value = LETTERS.get(token.charAt(i));
            if (value == null) {
                return;
            }
            bytes[i] = value;
            ascii &= value >= 0;
        }
        if (!ascii && !isUtf8(bytes)) {
            parts.put(id, bytes);
        }
    }

    /** The bytes of an id, if a decoder of this kind may make parts of characters of them. */
    Optional<byte[]> of(int id, DecoderKind kind) {
        return switch (kind) {
            case BYTE_LEVEL -> Optional.ofNullable(parts.get(id)).map(byte[]::clone);
            case BYTE_FALLBACK -> Optional.ofNullable(singles.get(id)).map(byte[]::clone);
            default -> Optional.empty();
        };
    }

    /** A token for a single byte behind which no bytes before it are UTF-8, if there is one. */
    OptionalInt misfit() {
        // without a first byte of several, any byte that continues some fits nowhere
        return singles.entrySet().stream()
                .filter(single -> single.getValue()[0] < 0)
                .max((a, b) -> Boolean.compare(isFirst(a.getValue()), isFirst(b.getValue())))
                .map(single -> OptionalInt.of(single.getKey()))
                .orElse(OptionalInt.empty());
    }

    private static boolean isFirst(byte... single) {
        return (single[0] & 0xff) >= FIRST_OF_SEVERAL;
    }

    private static boolean isUtf8(byte... bytes) {
        try {
            UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
