package org.mohawk4j.data.tokens;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.zip.CRC32C;

/**
 * The first {@value #BYTES} bytes of a token file, little-endian; {@code docs/file-formats.md} has the layout.
 *
 * @param bytesPerToken 2 or 4: ids are unsigned integers of that size
 * @param tokens how many there are
 * @param vocabulary what ids mean
 * @param checksumOfChecksums CRC-32C of the table of checksums
 */
record TokenFileHeader(int bytesPerToken, long tokens, TokenVocabulary vocabulary, int checksumOfChecksums) {
    static final int BYTES = 80;
    private static final long MAGIC = 0x4e454b4f54484d89L;

    /** Without a BOS token, which the first version did not know; with one, whose id then follows the tokenizer. */
    private static final int VERSION = 1;

    private static final int VERSION_WITH_BOS = 2;
    private static final int TOKENIZER_AT = 36;
    private static final int TOKENIZER_BYTES = 32;
    private static final int BOS_AT = TOKENIZER_AT + TOKENIZER_BYTES;
    private static final int CHECKSUM_AT = BYTES - 4;
    private static final int MOST_IN_TWO_BYTES = 1 << 16;

    /** The fewest bytes per token that hold all ids of a vocabulary. */
    static int bytesFor(int vocabularySize) {
        return vocabularySize <= MOST_IN_TWO_BYTES ? Short.BYTES : Integer.BYTES;
    }

    /** How many chunks the ids fill, the last of them perhaps in part. */
    int chunks() {
        return (int) ((tokens + TokenFile.CHUNK_TOKENS - 1) / TokenFile.CHUNK_TOKENS);
    }

    /** Where the table of checksums begins: behind the ids, at a multiple of four. */
    long checksumsAt() {
        return (BYTES + tokens * bytesPerToken + 3) & -4L;
    }

    /** What the whole file must have. */
    long fileBytes() {
        return checksumsAt() + (long) chunks() * Integer.BYTES;
    }

    ByteBuffer format() {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        OptionalInt bos = vocabulary.beginOfText();
        bytes.putLong(MAGIC)
                .putInt(bos.isPresent() ? VERSION_WITH_BOS : VERSION)
                .putInt(bytesPerToken)
                .putLong(tokens)
                .putInt(vocabulary.size())
                .putInt(vocabulary.endOfText())
                .putInt(checksumOfChecksums)
                .put(HexFormat.of().parseHex(vocabulary.tokenizer()))
                .putInt(BOS_AT, bos.orElse(0))
                .position(CHECKSUM_AT);
        return bytes.putInt(checksum(bytes)).flip();
    }

    /**
     * Reads a header.
     *
     * @throws IllegalArgumentException with what is wrong, if it is not one
     */
    static TokenFileHeader parse(ByteBuffer bytes) {
        ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        require(in.remaining() == BYTES && in.getLong(0) == MAGIC, "expected a token file, found something else");
        int version = in.getInt(Long.BYTES);
        require(
                version == VERSION || version == VERSION_WITH_BOS,
                "expected version " + VERSION + " or " + VERSION_WITH_BOS + ", found " + version);
        require(in.getInt(CHECKSUM_AT) == checksum(in), "its header is damaged");
        in.position(Long.BYTES + Integer.BYTES);
        int bytesPerToken = in.getInt();
        long tokens = in.getLong();
        int vocabularySize = in.getInt();
        int endOfText = in.getInt();
        int checksums = in.getInt();
        byte[] tokenizer = new byte[TOKENIZER_BYTES];
        in.get(TOKENIZER_AT, tokenizer);
        require(bytesPerToken == 2 || bytesPerToken == 4, "expected 2 or 4 bytes per token, found " + bytesPerToken);
        require(
                tokens >= 0 && tokens <= TokenFile.MOST_TOKENS,
                "expected 0 to " + TokenFile.MOST_TOKENS + " tokens, found " + tokens);
        require(vocabularySize > 0, "expected a vocabulary of at least 1, found " + vocabularySize);
        require(
                endOfText >= 0 && endOfText < vocabularySize,
                "expected an end-of-text token below " + vocabularySize + ", found " + endOfText);
        OptionalInt bos = version == VERSION_WITH_BOS ? OptionalInt.of(in.getInt(BOS_AT)) : OptionalInt.empty();
        require(
                bos.isEmpty() || (bos.getAsInt() >= 0 && bos.getAsInt() < vocabularySize),
                "expected a BOS token below " + vocabularySize + ", found " + bos.orElse(0));
        TokenVocabulary vocabulary = new TokenVocabulary(
                vocabularySize, bos, endOfText, HexFormat.of().formatHex(tokenizer));
        return new TokenFileHeader(bytesPerToken, tokens, vocabulary, checksums);
    }

    private static int checksum(ByteBuffer header) {
        return crc32c(header.duplicate().position(0).limit(CHECKSUM_AT));
    }

    static int crc32c(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    private static void require(boolean holds, String problem) {
        if (!holds) {
            throw new IllegalArgumentException(problem);
        }
    }
}
