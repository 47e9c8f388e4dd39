package org.mohawk4j.train.data.source;

import java.nio.file.Path;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.data.file.Compression;

/**
 * A file of documents.
 *
 * @param path where it is
 * @param name what it is called wherever its folder lies, with {@code /} between parts
 * @param bytes its size as it is, packed or not
 * @param length how far a {@link Place} can go in it; 0 where that is not known, since it is packed or a table
 */
public record SourceFile(Path path, String name, FileFormat format, Compression compression, long bytes, long length) {
    /**
     * Its chunks from a place on.
     *
     * @param from {@link #beginning} or where a chunk of this file began
     * @throws InvalidInputException if it cannot be opened there
     */
    public ChunkReader open(Place from, Encoding encoding) {
        return switch (format) {
            case TEXT -> new TextReader(this, from, encoding);
            case JSON_LINES -> new JsonLinesReader(this, from, encoding);
            case PARQUET -> new ParquetReader(this, from, encoding);
            case TOKENS -> new TokenFileReader(this, from, encoding);
        };
    }

    /**
     * Checks, as far as can be told without reading the file, that its tokens are for this model and tokenizer.
     *
     * @throws InvalidInputException if they are not
     */
    public void requireFits(Encoding encoding) {
        if (format == FileFormat.TOKENS) {
            TokenFileReader.open(this, encoding);
        }
    }

    /** Where the first chunk begins. */
    public Place beginning() {
        return new Place(0, format == FileFormat.JSON_LINES ? 1 : 0);
    }

    /** The share of the file before a place, 0 where that is not known. */
    public double shareBefore(Place place) {
        return length == 0 ? 0 : Math.min(1, (double) place.offset() / length);
    }
}
