package org.mohawk4j.data.source;

import java.util.Optional;
import org.mohawk4j.InvalidInputException;

/** The chunks of one file in order. What a chunk holds depends on the file and on where it begins, nothing else. */
public interface ShardReader extends AutoCloseable {
    /**
     * The next chunk, or none at the end of the file.
     *
     * @throws InvalidInputException if the file is damaged there
     */
    Optional<DocumentSpan> next();

    @Override
    void close();
}
