package org.mohawk4j.eval.serve;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.mohawk4j.tokenizer.Tokenizer;

/** The names of tokens in lists of log-probabilities. */
final class TokenText {
    private TokenText() {}

    /**
     * What a token adds to a text. A part of a character is named by its bytes, as {@code bytes:\xe2\x82}, and a token
     * without text by its id, so that they can be told apart; a model may have more tokens than its tokenizer.
     *
     * @param first whether the text begins with it
     */
    static String name(Tokenizer tokenizer, int id, boolean first) {
        if (id >= tokenizer.vocabularySize()) {
            return number(id);
        }
        byte[] bytes = tokenizer.bytes(id);
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            text = first ? tokenizer.decode(id) : text;
            return text.isEmpty() ? number(id) : text;
        } catch (CharacterCodingException e) {
            return spelled(bytes);
        }
    }

    private static String number(int id) {
        return "token_id:" + id;
    }

    private static String spelled(byte... bytes) {
        StringBuilder name = new StringBuilder("bytes:");
        for (byte b : bytes) {
            boolean visible = b >= ' ' && b < 0x7f && b != '\\';
            name.append(
                    visible ? String.valueOf((char) b) : "\\x" + HexFormat.of().toHexDigits(b));
        }
        return name.toString();
    }
}
