package org.mohawk4j.data.source;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.Utf8;

/** JSON lines, many at a time: each an object with a document in one of its fields. Blank lines are passed over. */
final class JsonLinesShardReader implements ShardReader {
    /** The longest line. Twice this is what a reader holds at most. */
    static final int MOST_BYTES = 16 << 20;

    private final Shard file;
    private final Encoding encoding;
    private final TextSplitter pieces;
    private long line;

    JsonLinesShardReader(Shard file, ShardPosition from, Encoding encoding) {
        this.file = file;
        this.encoding = encoding;
        this.line = from.line();
        this.pieces = new TextSplitter(file, from.offset(), this::end);
    }

    @Override
    public Optional<DocumentSpan> next() {
        return pieces.next().map(piece -> {
            Lines lines = new Lines(file, piece, line, encoding);
            for (byte b : piece.bytes().array()) {
                line += b == '\n' ? 1 : 0;
            }
            return lines;
        });
    }

    @Override
    public void close() {
        pieces.close();
    }

    private int end(byte[] buffer, int length) {
        for (int i = length; i > 0; i--) {
            if (buffer[i - 1] == '\n') {
                return i;
            }
        }
        if (length >= MOST_BYTES) {
            throw new InvalidInputException("text " + file.path() + ", line " + line + ": expected at most "
                    + MOST_BYTES + " bytes, found more");
        }
        return 0;
    }

    private record Lines(Shard file, TextSplitter.Piece piece, long firstLine, Encoding encoding)
            implements DocumentSpan {
        @Override
        public ShardPosition start() {
            return new ShardPosition(piece.offset(), firstLine);
        }

        @Override
        public int[] tokens() {
            byte[] bytes = piece.bytes().array();
            TokenBuffer ids = new TokenBuffer(bytes.length / 3);
            long line = firstLine;
            for (int start = 0; start < bytes.length; line++) {
                int end = start;
                while (end < bytes.length && bytes[end] != '\n') {
                    end++;
                }
                String where = "text " + file.path() + ", line " + line;
                ByteBuffer json = ByteBuffer.wrap(bytes, start, end - start);
                String text =
                        JsonLine.text(Utf8.decode(json, piece.offset() + start, where), encoding.textField(), where);
                if (!text.isEmpty()) {
                    ids.add(encoding.document(text, where));
                }
                start = end + 1;
            }
            return ids.toArray();
        }
    }
}
