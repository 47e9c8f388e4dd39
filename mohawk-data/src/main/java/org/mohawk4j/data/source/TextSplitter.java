package org.mohawk4j.data.source;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tokenizer.TextPieces;

/** Cuts the unpacked bytes of a file into pieces where a rule says, holding one piece at a time. */
final class TextSplitter implements AutoCloseable {
    /** What a piece has at most, unless the rule finds no end in it. */
    static final int USUAL_BYTES = TextPieces.MAX_BYTES;

    /** Where pieces may end. */
    @FunctionalInterface
    interface Rule {
        /**
         * The end of the longest piece of whole parts.
         *
         * @param length of the buffer, as far as it is filled; the file goes on
         * @return up to {@code length}; 0 if there is none and more is to be read
         * @throws InvalidInputException if there is none and the buffer is as long as it may become
         */
        int end(byte[] buffer, int length);
    }

    private final Shard file;
    private final InputStream in;
    private final Rule rule;
    private byte[] buffer = new byte[USUAL_BYTES];
    private int length;
    private long offset;
    private boolean ended;

    TextSplitter(Shard file, long offset, Rule rule) {
        this.file = file;
        this.rule = rule;
        this.offset = offset;
        try {
            in = file.compression().open(file.path());
        } catch (IOException e) {
            throw file.compression().refusal(file.path(), e);
        }
        try {
            in.skipNBytes(offset);
        } catch (EOFException e) {
            close();
            throw new InvalidInputException(
                    file.path() + ": expected text behind byte " + offset + ", found its end", e);
        } catch (IOException e) {
            close();
            throw file.compression().refusal(file.path(), e);
        }
    }

    /**
     * Bytes of the file.
     *
     * @param offset of the first in the unpacked file
     * @param last whether the file ends with them
     */
    record Piece(ByteBuffer bytes, long offset, boolean last) {}

    /** The next piece; the last one may be empty, and is followed by none. */
    Optional<Piece> next() {
        if (ended) {
            return Optional.empty();
        }
        fill();
        int end = ended ? length : rule.end(buffer, length);
        while (end == 0 && !ended) {
            buffer = Arrays.copyOf(buffer, 2 * buffer.length);
            fill();
            end = ended ? length : rule.end(buffer, length);
        }
        Piece piece = new Piece(ByteBuffer.wrap(Arrays.copyOf(buffer, end)), offset, ended);
        byte[] rest = new byte[size(length - end)];
        System.arraycopy(buffer, end, rest, 0, length - end);
        buffer = rest;
        length -= end;
        offset += end;
        return Optional.of(piece);
    }

    /** A size that a reader that begins here comes to as well, so that both split alike. */
    private static int size(int least) {
        int size = USUAL_BYTES;
        while (size < least) {
            size *= 2;
        }
        return size;
    }

    /** Fills the buffer, or finds the end of the file. */
    private void fill() {
        try {
            int read = in.readNBytes(buffer, length, buffer.length - length);
            length += read;
            ended = length < buffer.length;
        } catch (IOException e) {
            throw file.compression().refusal(file.path(), e);
        }
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw file.compression().refusal(file.path(), e);
        }
    }
}
