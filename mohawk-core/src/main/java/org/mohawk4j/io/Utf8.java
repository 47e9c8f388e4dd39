package org.mohawk4j.io;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.mohawk4j.InvalidInputException;

/** Strict UTF-8. */
public final class Utf8 {
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    private Utf8() {}

    /**
     * Decodes bytes of a text, without a byte order mark at its beginning.
     *
     * @param bytes from their position to their limit
     * @param offset of the first of them in the text
     * @param where the text comes from, for the message
     * @throws InvalidInputException naming the first byte that is not UTF-8, and its offset in the text
     */
    public static String decode(ByteBuffer bytes, long offset, String where) {
        ByteBuffer in = bytes.slice();
        if (offset == 0 && startsWithMark(in)) {
            in.position(BYTE_ORDER_MARK.length);
        }
        CharBuffer out = CharBuffer.allocate(in.remaining());
        CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
        if (result.isError()) {
            throw new InvalidInputException(String.format(
                    Locale.ROOT,
                    "%s: expected UTF-8, found byte 0x%02x at offset %d",
                    where,
                    in.get(in.position()) & 0xff,
                    offset + in.position()));
        }
        return out.flip().toString();
    }

    private static boolean startsWithMark(ByteBuffer bytes) {
        if (bytes.remaining() < BYTE_ORDER_MARK.length) {
            return false;
        }
        for (int i = 0; i < BYTE_ORDER_MARK.length; i++) {
            if (bytes.get(i) != BYTE_ORDER_MARK[i]) {
                return false;
            }
        }
        return true;
    }
}
