package org.mohawk4j.data.stream;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Shard;

/** The tokens of files, once, in the order of the files; read ahead on other threads. */
public final class TextTokens implements AutoCloseable {
    private final List<Shard> files;
    private final ExecutorService workers;
    private final ParallelTokenizer tokens;
    private boolean ended;
    private int file;
    private long bytesOfFilesBefore;
    private long bytesBefore;

    /** @throws InvalidInputException if the first file cannot be opened */
    public TextTokens(List<Shard> files, Encoding encoding, StreamOptions options) {
        this.files = List.copyOf(files);
        ShardSet set = new ShardSet(files, OptionalLong.empty());
        workers = StreamingLoader.workers(options.readers());
        tokens = new ParallelTokenizer(new SpanSequence(set, encoding, set.beginning()), workers, options.ahead());
    }

    /**
     * Some more of the tokens, or nothing at the end.
     *
     * @throws InvalidInputException if a file is not what it should be
     */
    public Optional<int[]> next() {
        try {
            ParallelTokenizer.Tokens next = ended ? null : tokens.next();
            if (next == null || next.item().chunk().isEmpty()) {
                ended = true;
                return Optional.empty();
            }
            countBytes(next.item());
            return Optional.of(next.ids());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for text", e);
        }
    }

    private void countBytes(SpanSequence.Item item) {
        while (file < item.file()) {
            bytesOfFilesBefore += files.get(file++).bytes();
        }
        double share = item.source().shareBefore(item.chunk().orElseThrow().start());
        bytesBefore = bytesOfFilesBefore + (long) (share * item.source().bytes());
    }

    /** How many bytes of the files lie before the last tokens given; packed files and tables count when done. */
    public long bytesBefore() {
        return bytesBefore;
    }

    @Override
    public void close() {
        tokens.close();
        workers.shutdownNow();
    }
}
