package org.mohawk4j.data.tokens;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/**
 * A file of token ids, memory-mapped chunk by chunk, so that it may be larger than 2 GiB and than the memory. Opening
 * reads the header and the checksums; each chunk is checked when it is read. May be read by several threads at once. The
 * maps go when this object is garbage; they take addresses, not memory.
 */
public final class TokenFile {
    /** The ending of its name, without the dot. */
    public static final String ENDING = "tokens";

    /** Ids under one checksum. */
    public static final int CHUNK_TOKENS = 1 << 16;

    /** The most ids of one file. */
    public static final long MOST_TOKENS = 1L << 40;

    /** A tokenizer that is not known, as SHA-256. */
    public static final String UNKNOWN_TOKENIZER = "0".repeat(64);

    /** At most 1 GiB: Java maps no more than two, and systems allow some ten thousand maps. */
    private static final int CHUNKS_PER_MAP = 1 << 12;

    private final Path path;
    private final TokenFileHeader header;
    private final ByteBuffer checksums;
    private final List<ByteBuffer> maps;

    private TokenFile(Path path, TokenFileHeader header, ByteBuffer checksums, List<ByteBuffer> maps) {
        this.path = path;
        this.header = header;
        this.checksums = checksums;
        this.maps = maps;
    }

    /**
     * Opens a file.
     *
     * @throws InvalidInputException if it is missing, is no token file, is cut off or too long, its header, its
     *     checksums or its last chunk are damaged, or it ends within a document
     */
    public static TokenFile open(Path path) {
        InputFile.requireRegular(path);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return read(path, channel);
        } catch (IOException e) {
            throw InputFile.unreadable(path, e);
        }
    }

    private static TokenFile read(Path path, FileChannel channel) throws IOException {
        TokenFileHeader header;
        try {
            header = TokenFileHeader.parse(map(channel, 0, Math.min(TokenFileHeader.BYTES, channel.size())));
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException(path + ": " + e.getMessage(), e);
        }
        if (channel.size() != header.fileBytes()) {
            throw new InvalidInputException(path + ": expected " + header.fileBytes() + " bytes for " + header.tokens()
                    + " tokens of " + header.bytesPerToken() + " bytes, found " + channel.size());
        }
        ByteBuffer checksums = map(channel, header.checksumsAt(), (long) header.chunks() * Integer.BYTES);
        if (TokenFileHeader.crc32c(checksums.duplicate()) != header.checksumOfChecksums()) {
            throw new InvalidInputException(path + ": its table of checksums is damaged");
        }
        long end = TokenFileHeader.BYTES + header.tokens() * header.bytesPerToken();
        ByteBuffer padding = map(channel, end, header.checksumsAt() - end);
        while (padding.hasRemaining()) {
            if (padding.get() != 0) {
                throw new InvalidInputException(path + ": expected zeros between its tokens and its checksums");
            }
        }
        TokenFile file = new TokenFile(path, header, checksums, maps(channel, header));
        file.requireWholeDocuments();
        return file;
    }

    /** What follows in training would be read as the rest of the last document. */
    private void requireWholeDocuments() {
        if (header.tokens() > 0) {
            int[] last = chunk(header.chunks() - 1);
            if (last[last.length - 1] != header.vocabulary().endOfText()) {
                throw new InvalidInputException(path + ": expected the end-of-text token "
                        + header.vocabulary().endOfText() + " as its last id, found " + last[last.length - 1]);
            }
        }
    }

    /** How many tokens there are. */
    public long tokens() {
        return header.tokens();
    }

    /** V: every id is below it. */
    public int vocabularySize() {
        return header.vocabulary().size();
    }

    /** The id that ends each document. */
    public int endOfText() {
        return header.vocabulary().endOfText();
    }

    /** The id that each document begins with, if they begin with one. */
    public OptionalInt beginOfText() {
        return header.vocabulary().beginOfText();
    }

    /** SHA-256 of the tokenizer's file in hexadecimal, or {@link #UNKNOWN_TOKENIZER}. */
    public String tokenizer() {
        return header.vocabulary().tokenizer();
    }

    /**
     * The ids of a chunk: tokens {@code index · CHUNK_TOKENS} and following, the last chunk's perhaps fewer.
     *
     * @throws InvalidInputException if its bytes are not those that were written, or an id is not below V
     */
    public int[] chunk(long index) {
        long first = index * CHUNK_TOKENS;
        if (index < 0 || first >= header.tokens()) {
            throw new IndexOutOfBoundsException("chunk " + index + " of " + header.chunks());
        }
        int count = (int) Math.min(CHUNK_TOKENS, header.tokens() - first);
        int width = header.bytesPerToken();
        ByteBuffer bytes = maps.get((int) (index / CHUNKS_PER_MAP))
                .slice((int) (index % CHUNKS_PER_MAP) * CHUNK_TOKENS * width, count * width)
                .order(ByteOrder.LITTLE_ENDIAN);
        if (TokenFileHeader.crc32c(bytes.duplicate()) != checksums.getInt((int) index * Integer.BYTES)) {
            throw new InvalidInputException(
                    path + ": tokens " + first + " to " + (first + count - 1) + " are damaged: their checksum differs");
        }
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = width == Short.BYTES ? bytes.getShort(i * width) & 0xffff : bytes.getInt(i * width);
            if (ids[i] < 0 || ids[i] >= header.vocabulary().size()) {
                throw new InvalidInputException(path + ": expected token ids from 0 to "
                        + (header.vocabulary().size() - 1) + ", found " + Integer.toUnsignedString(ids[i])
                        + " at token " + (first + i));
            }
        }
        return ids;
    }

    private static List<ByteBuffer> maps(FileChannel channel, TokenFileHeader header) throws IOException {
        List<ByteBuffer> maps = new ArrayList<>();
        long total = header.tokens() * header.bytesPerToken();
        long most = (long) CHUNKS_PER_MAP * CHUNK_TOKENS * header.bytesPerToken();
        for (long from = 0; from < total; from += most) {
            maps.add(map(channel, TokenFileHeader.BYTES + from, Math.min(most, total - from)));
        }
        return maps;
    }

    private static ByteBuffer map(FileChannel channel, long from, long length) throws IOException {
        ByteBuffer bytes =
                length == 0 ? ByteBuffer.allocate(0) : channel.map(FileChannel.MapMode.READ_ONLY, from, length);
        return bytes.order(ByteOrder.LITTLE_ENDIAN);
    }
}
