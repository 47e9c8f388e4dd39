package org.mohawk4j.train.data.stream;

import java.util.List;
import java.util.OptionalLong;
import org.mohawk4j.train.data.Shuffle;
import org.mohawk4j.train.data.source.SourceFile;

/**
 * The files of a text, read again and again: each pass has each file once.
 *
 * @param seed of the files' order, which every pass has its own of; without, their own order
 */
record FileSet(List<SourceFile> files, OptionalLong seed) {
    FileSet {
        files = List.copyOf(files);
    }

    Cursor beginning() {
        return new Cursor(0, 0, files.get(order(0)[0]).beginning(), 0);
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
    double passesBefore(Cursor cursor) {
        int[] order = order(cursor.pass());
        double before = 0;
        double total = 0;
        for (int i = 0; i < order.length; i++) {
            SourceFile file = files.get(order[i]);
            before += i < cursor.file()
                    ? file.bytes()
                    : i > cursor.file() ? 0 : file.bytes() * file.shareBefore(cursor.chunk());
            total += file.bytes();
        }
        return cursor.pass() + before / Math.max(1, total);
    }
}
