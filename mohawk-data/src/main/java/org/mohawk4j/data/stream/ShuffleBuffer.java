package org.mohawk4j.data.stream;

import java.util.List;
import org.mohawk4j.data.source.Shard;
import org.mohawk4j.data.source.ShardPosition;

/** Windows that follow each other in a text and are handed out in a random order. */
final class ShuffleBuffer {
    private final LoaderState end;
    private final int[] tokens;
    private final List<Mark> marks;
    private final double passesBefore;
    private final double passesAfter;

    /**
     * @param end the place of the last token, which is the next block's first
     * @param tokens [windows · T + 1]: window i reads from token i · T on
     * @param marks where the tokens come from, in their order
     * @param passesBefore how many passes over the files lie before the first token
     * @param passesAfter and before the last
     */
    ShuffleBuffer(LoaderState end, int[] tokens, List<Mark> marks, double passesBefore, double passesAfter) {
        this.end = end;
        this.tokens = tokens;
        this.marks = List.copyOf(marks);
        this.passesBefore = passesBefore;
        this.passesAfter = passesAfter;
    }

    LoaderState end() {
        return end;
    }

    int windows(int context) {
        return (tokens.length - 1) / context;
    }

    /** Passes over the files before a share of the block has been handed out. */
    double passesAt(double share) {
        return passesBefore + share * (passesAfter - passesBefore);
    }

    /** Copies ids from a position. */
    void copy(int position, int[] target, int at, int count) {
        System.arraycopy(tokens, position, target, at, count);
    }

    /**
     * The beginning of a chunk's tokens in a block.
     *
     * @param position of the first of them in the block
     */
    record Mark(int position, Shard file, ShardPosition place) {}

    /** Where the token at a position comes from, for a log. */
    String origin(int position) {
        Mark found = marks.get(0);
        for (Mark mark : marks) {
            if (mark.position() <= position) {
                found = mark;
            }
        }
        String unit = switch (found.file().format()) {
            case TEXT -> "byte " + found.place().offset();
            case JSON_LINES -> "line " + found.place().line();
            case PARQUET -> "row " + found.place().offset();
            case TOKENS -> "token " + found.place().offset();
        };
        return found.file().path() + " from " + unit + " on, token " + (position - found.position());
    }
}
