package org.mohawk4j.data.source;

import java.util.Optional;
import java.util.OptionalInt;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.tokens.TokenFile;

/** A token file chunk by chunk. */
final class TokenShardReader implements ShardReader {
    private final Shard source;
    private final TokenFile file;
    private final Encoding encoding;
    private long next;

    TokenShardReader(Shard source, ShardPosition from, Encoding encoding) {
        this.source = source;
        this.encoding = encoding;
        this.file = open(source, encoding);
        this.next = from.offset() / TokenFile.CHUNK_TOKENS;
        if (from.offset() % TokenFile.CHUNK_TOKENS != 0 || from.offset() > file.tokens()) {
            throw new InvalidInputException(source.path() + ": expected to resume at a multiple of "
                    + TokenFile.CHUNK_TOKENS + " up to " + file.tokens() + ", found " + from.offset());
        }
    }

    /** Opens a token file that fits the model and its tokenizer. */
    static TokenFile open(Shard source, Encoding encoding) {
        TokenFile file = TokenFile.open(source.path());
        String problem = problem(file, encoding);
        if (!problem.isEmpty()) {
            throw new InvalidInputException("tokens " + source.path() + ": " + problem);
        }
        return file;
    }

    private static String problem(TokenFile file, Encoding encoding) {
        if (!file.tokenizer().equals(TokenFile.UNKNOWN_TOKENIZER)
                && !file.tokenizer().equals(encoding.tokenizer())) {
            return "expected ids of the tokenizer with SHA-256 " + encoding.tokenizer() + ", found those of "
                    + file.tokenizer();
        }
        if (file.endOfText() != encoding.endOfText()) {
            return "expected end-of-text token " + encoding.endOfText() + ", found " + file.endOfText();
        }
        return file.beginOfText().equals(encoding.beginOfText())
                ? ""
                : "expected documents that begin with " + named(encoding.beginOfText()) + ", found "
                        + named(file.beginOfText());
    }

    private static String named(OptionalInt bos) {
        return bos.isPresent() ? "BOS token " + bos.getAsInt() : "no BOS token";
    }

    @Override
    public Optional<DocumentSpan> next() {
        long first = next * TokenFile.CHUNK_TOKENS;
        if (first >= file.tokens()) {
            return Optional.empty();
        }
        return Optional.of(new Ids(source, file, next++, encoding));
    }

    @Override
    public void close() {
        // a map needs no closing
    }

    private record Ids(Shard source, TokenFile file, long index, Encoding encoding) implements DocumentSpan {
        @Override
        public ShardPosition start() {
            return new ShardPosition(index * TokenFile.CHUNK_TOKENS, 0);
        }

        @Override
        public int[] tokens() {
            int[] ids = file.chunk(index);
            if (file.vocabularySize() > encoding.vocabularySize()) {
                encoding.requireVocabulary(ids, "tokens " + source.path() + ", from token " + start().offset());
            }
            return ids;
        }
    }
}
