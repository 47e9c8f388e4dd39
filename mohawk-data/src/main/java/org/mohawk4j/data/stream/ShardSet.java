package org.mohawk4j.data.stream;

import java.util.List;
import java.util.OptionalLong;
import org.mohawk4j.data.Shuffle;
import org.mohawk4j.data.source.Shard;

/**
 * The files of a text, read again and again: each pass has each file once.
 *
 * @param seed of the files' order, which every pass has its own of; without, their own order
 */
record ShardSet(List<Shard> files, OptionalLong seed) {
    ShardSet {
        files = List.copyOf(files);
    }

    LoaderState beginning() {
        return new LoaderState(0, 0, files.get(order(0)[0]).beginning(), 0);
    }

    /** The files of a pass in order, as indices. */
    int[] order(long pass) {
        int[] order = new int[files.size()];
        if (seed.isPresent()) {
            Shuffle.order(order, seed.getAsLong(), pass);
        } else {
            for (int i = 0; i < order.length; i++) {
                order[i] = i;
            }
        }
        return order;
    }

    /** How many passes lie before a place, counted by bytes of files; packed files and tables count when done. */
    double passesBefore(LoaderState cursor) {
        int[] order = order(cursor.pass());
        double before = 0;
        double total = 0;
        for (int i = 0; i < order.length; i++) {
            Shard file = files.get(order[i]);
            before += i < cursor.file()
                    ? file.bytes()
                    : i > cursor.file() ? 0 : file.bytes() * file.shareBefore(cursor.chunk());
            total += file.bytes();
        }
        return cursor.pass() + before / Math.max(1, total);
    }
}
