package org.mohawk4j.data.source;

import java.nio.file.Path;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.file.Compression;

/**
 * A file of documents.
 *
 * @param path where it is
 * @param name what it is called wherever its folder lies, with {@code /} between parts
 * @param bytes its size as it is, packed or not
 * @param length how far a {@link ShardPosition} can go in it; 0 where that is not known, since it is packed or a table
 */
public record Shard(Path path, String name, FileFormat format, Compression compression, long bytes, long length) {
    /**
     * Its chunks from a place on.
     *
     * @param from {@link #beginning} or where a chunk of this file began
     * @throws InvalidInputException if it cannot be opened there
     */
    public ShardReader open(ShardPosition from, Encoding encoding) {
        return switch (format) {
            case TEXT -> new TextShardReader(this, from, encoding);
            case JSON_LINES -> new JsonLinesShardReader(this, from, encoding);
            case PARQUET -> new ParquetShardReader(this, from, encoding);
            case TOKENS -> new TokenShardReader(this, from, encoding);
        };
    }

    /**
     * Checks, as far as can be told without reading the file, that its tokens are for this model and tokenizer.
     *
     * @throws InvalidInputException if they are not
     */
    public void requireFits(Encoding encoding) {
        if (format == FileFormat.TOKENS) {
            TokenShardReader.open(this, encoding);
        }
    }

    /** Where the first chunk begins. */
    public ShardPosition beginning() {
        return new ShardPosition(0, format == FileFormat.JSON_LINES ? 1 : 0);
    }

    /** The share of the file before a place, 0 where that is not known. */
    public double shareBefore(ShardPosition place) {
        return length == 0 ? 0 : Math.min(1, (double) place.offset() / length);
    }
}
