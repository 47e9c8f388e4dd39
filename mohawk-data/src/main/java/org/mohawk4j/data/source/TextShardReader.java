package org.mohawk4j.data.source;

import java.util.Arrays;
import java.util.Optional;
import org.mohawk4j.io.Utf8;
import org.mohawk4j.tokenizer.TextPieces;

/** A text file as one document, in pieces that end where {@link TextPieces} says. */
final class TextShardReader implements ShardReader {
    private final Shard file;
    private final Encoding encoding;
    private final TextSplitter pieces;

    TextShardReader(Shard file, ShardPosition from, Encoding encoding) {
        this.file = file;
        this.encoding = encoding;
        this.pieces = new TextSplitter(file, from.offset(), TextShardReader::end);
    }

    @Override
    public Optional<DocumentSpan> next() {
        return pieces.next().map(piece -> new TextPiece(file, piece, encoding));
    }

    @Override
    public void close() {
        pieces.close();
    }

    private static int end(byte[] buffer, int length) {
        for (int i = length - 1; i > 0; i--) {
            if (TextPieces.isBorder(buffer[i - 1], buffer[i])) {
                return i;
            }
        }
        return endOfCharacters(buffer, length);
    }

    /** The end of the last character that is whole. */
    private static int endOfCharacters(byte[] buffer, int length) {
        int last = length - 1;
        while (last > length - 4 && isContinuation(buffer[last])) {
            last--;
        }
        int lead = buffer[last] & 0xff;
        int size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        return last + size > length ? last : length;
    }

    private static boolean isContinuation(byte b) {
        return (b & 0xc0) == 0x80;
    }

    private record TextPiece(Shard file, TextSplitter.Piece piece, Encoding encoding) implements DocumentSpan {
        @Override
        public ShardPosition start() {
            return new ShardPosition(piece.offset(), 0);
        }

        @Override
        public int[] tokens() {
            String where = "text " + file.path();
            String text = Utf8.decode(piece.bytes(), piece.offset(), where);
            String place = where + ", from byte " + piece.offset();
            boolean document = piece.offset() > 0 || !text.isEmpty();
            int[] ids = document && piece.offset() == 0 ? encoding.begin(text, place) : encoding.encode(text, place);
            if (piece.last() && document) {
                ids = Arrays.copyOf(ids, ids.length + 1);
                ids[ids.length - 1] = encoding.endOfText();
            }
            return ids;
        }
    }
}
