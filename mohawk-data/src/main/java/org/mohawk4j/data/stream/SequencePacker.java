package org.mohawk4j.data.stream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.source.Encoding;

/**
 * Packs the tokens of a file set into blocks: documents follow each other without a gap, and a block begins with the
 * last token of the one before, so that every token after the first is predicted once. A block ends with the window in
 * which a pass ends, so that no block holds a window twice.
 */
final class SequencePacker implements AutoCloseable {
    private final ShardSet set;
    private final int context;
    private final int windows;
    private final ParallelTokenizer tokens;
    private final int skip;
    private ParallelTokenizer.@Nullable Tokens chunk;
    private int at;
    private boolean passHasTokens = true;
    private @Nullable Last last;

    /**
     * The last token of a block, with which the next begins.
     *
     * @param mark of its chunk in the next block
     */
    private record Last(int id, LoaderState cursor, ShuffleBuffer.Mark mark) {}

    /**
     * @param from the first token
     * @param context T
     * @param windows of a block, at most
     * @param ahead how many chunks may be under way
     */
    SequencePacker(
            ShardSet set,
            Encoding encoding,
            LoaderState from,
            int context,
            int windows,
            ExecutorService workers,
            int ahead) {
        this.set = set;
        this.context = context;
        this.windows = windows;
        this.skip = from.token();
        this.tokens = new ParallelTokenizer(new SpanSequence(set, encoding, from), workers, ahead);
    }

    /**
     * The next block.
     *
     * @throws InvalidInputException if a file is not what it should be, or all of them hold no token
     */
    ShuffleBuffer next() throws InterruptedException {
        int[] packed = new int[Math.addExact(Math.multiplyExact(windows, context), 1)];
        int wanted = packed.length;
        int count = 0;
        List<ShuffleBuffer.Mark> marks = new ArrayList<>();
        if (last != null) {
            packed[count++] = last.id();
            marks.add(last.mark());
        }
        @Nullable LoaderState start = last == null ? null : last.cursor();
        while (count < wanted) {
            if (chunk == null || at == chunk.ids().length) {
                if (!advance() && count > 1) {
                    wanted = Math.min(wanted, (count - 1 + context - 1) / context * context + 1);
                }
                continue;
            }
            start = start == null ? cursor(at) : start;
            marks.add(mark(count - at));
            int run = Math.min(wanted - count, chunk.ids().length - at);
            System.arraycopy(chunk.ids(), at, packed, count, run);
            count += run;
            at += run;
            passHasTokens = true;
            last = new Last(packed[count - 1], cursor(at - 1), mark(1 - at));
        }
        LoaderState end = Objects.requireNonNull(last, "a block has tokens").cursor();
        LoaderState first = Objects.requireNonNull(start, "a block has tokens");
        return new ShuffleBuffer(
                end, Arrays.copyOf(packed, wanted), marks, set.passesBefore(first), set.passesBefore(end));
    }

    /** Goes on to the next chunk; false where a pass ends instead. */
    private boolean advance() throws InterruptedException {
        boolean first = chunk == null;
        chunk = tokens.next();
        at = 0;
        if (first && skip > 0) {
            if (skip >= chunk.ids().length) {
                throw new InvalidInputException("text " + chunk.item().source().path() + ": expected more than " + skip
                        + " tokens in the chunk to resume in, found " + chunk.ids().length + "; has it changed?");
            }
            at = skip;
        }
        if (chunk.item().chunk().isPresent()) {
            return true;
        }
        if (!passHasTokens) {
            throw new InvalidInputException("text " + chunk.item().source().path() + ": expected some text in "
                    + (set.files().size() == 1 ? "it" : "it or the files beside it") + ", found none");
        }
        passHasTokens = false;
        return false;
    }

    private LoaderState cursor(int token) {
        SpanSequence.Item item =
                Objects.requireNonNull(chunk, "a chunk is open").item();
        return new LoaderState(
                item.pass(), item.file(), item.chunk().orElseThrow().start(), token);
    }

    private ShuffleBuffer.Mark mark(int position) {
        SpanSequence.Item item =
                Objects.requireNonNull(chunk, "a chunk is open").item();
        return new ShuffleBuffer.Mark(
                position, item.source(), item.chunk().orElseThrow().start());
    }

    @Override
    public void close() {
        tokens.close();
    }
}
