package org.mohawk4j.data.tokens;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.io.AtomicFile;

/** Writes a token file as ids come; it appears whole, with {@link #commit}, or not at all. */
public final class TokenFileWriter implements AutoCloseable {
    private final AtomicFile file;
    private final int bytesPerToken;
    private final TokenVocabulary vocabulary;
    private final ByteBuffer chunk;
    private ByteBuffer checksums = ByteBuffer.allocate(1 << 10).order(ByteOrder.LITTLE_ENDIAN);
    private long written;
    private int last;

    /**
     * Starts a file.
     *
     * @param vocabulary what the ids mean
     * @throws InvalidInputException if the file cannot be written
     */
    public TokenFileWriter(Path path, TokenVocabulary vocabulary) {
        this.bytesPerToken = TokenFileHeader.bytesFor(vocabulary.size());
        this.vocabulary = vocabulary;
        this.chunk = ByteBuffer.allocate(TokenFile.CHUNK_TOKENS * bytesPerToken).order(ByteOrder.LITTLE_ENDIAN);
        this.file = new AtomicFile(path);
    }

    /** How many tokens have been written. */
    public long tokens() {
        return written + chunk.position() / bytesPerToken;
    }

    /**
     * Writes ids {@code from} to {@code to - 1} of an array.
     *
     * @throws IllegalArgumentException if one is not in the vocabulary
     */
    public void write(int[] ids, int from, int to) {
        for (int i = from; i < to; i++) {
            last = ids[i];
            if (ids[i] < 0 || ids[i] >= vocabulary.size()) {
                throw new IllegalArgumentException(
                        "token ids: expected 0 to " + (vocabulary.size() - 1) + ", got " + ids[i]);
            }
            if (bytesPerToken == Short.BYTES) {
                chunk.putShort((short) ids[i]);
            } else {
                chunk.putInt(ids[i]);
            }
            if (!chunk.hasRemaining()) {
                flush();
            }
        }
    }

    private void flush() {
        chunk.flip();
        if (!checksums.hasRemaining()) {
            byte[] longer = Arrays.copyOf(checksums.array(), 2 * checksums.capacity());
            checksums = ByteBuffer.wrap(longer).order(ByteOrder.LITTLE_ENDIAN).position(checksums.position());
        }
        checksums.putInt(TokenFileHeader.crc32c(chunk.duplicate()));
        int count = chunk.remaining() / bytesPerToken;
        file.write(chunk, TokenFileHeader.BYTES + written * bytesPerToken);
        written += count;
        chunk.clear();
    }

    /**
     * Ends the file and gives it its name.
     *
     * @throws IllegalStateException if the last id is not the one that ends a document
     * @throws StorageException if the disk refuses
     */
    public void commit() {
        if (tokens() > 0 && last != vocabulary.endOfText()) {
            throw new IllegalStateException(
                    "the last id is " + last + ", not the end-of-text token " + vocabulary.endOfText());
        }
        if (chunk.position() > 0) {
            flush();
        }
        checksums.flip();
        TokenFileHeader header =
                new TokenFileHeader(bytesPerToken, written, vocabulary, TokenFileHeader.crc32c(checksums.duplicate()));
        long end = TokenFileHeader.BYTES + written * bytesPerToken;
        file.write(ByteBuffer.allocate((int) (header.checksumsAt() - end)), end);
        file.write(checksums, header.checksumsAt());
        file.write(header.format(), 0);
        file.commit();
    }

    /** Leaves nothing behind unless committed. */
    @Override
    public void close() {
        file.close();
    }
}
