package org.mohawk4j.data.stream;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.data.source.DocumentSpan;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Shard;
import org.mohawk4j.data.source.ShardPosition;
import org.mohawk4j.data.source.ShardReader;

/** The chunks of a file set, file by file, pass after pass. One file is open at a time. */
final class SpanSequence implements AutoCloseable {
    private final ShardSet set;
    private final Encoding encoding;
    private long pass;
    private int file;
    private int[] order;
    private @Nullable ShardReader reader;

    SpanSequence(ShardSet set, Encoding encoding, LoaderState from) {
        this.set = set;
        this.encoding = encoding;
        this.pass = from.pass();
        this.file = from.file();
        this.order = set.order(pass);
        this.reader = open(from.chunk());
    }

    /**
     * A chunk and where it is, or the end of a pass.
     *
     * @param file the file's place in the order of the pass
     * @param chunk none at the end of a pass
     */
    record Item(long pass, int file, Shard source, Optional<DocumentSpan> chunk) {}

    Item next() {
        while (file < order.length) {
            if (reader == null) {
                reader = open(current().beginning());
            }
            Optional<DocumentSpan> chunk = reader.next();
            if (chunk.isPresent()) {
                return new Item(pass, file, current(), chunk);
            }
            close();
            file++;
        }
        Item end = new Item(pass, file, set.files().get(order[file - 1]), Optional.empty());
        pass++;
        file = 0;
        order = set.order(pass);
        return end;
    }

    private Shard current() {
        return set.files().get(order[file]);
    }

    private ShardReader open(ShardPosition place) {
        return current().open(place, encoding);
    }

    @Override
    public void close() {
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }
}
