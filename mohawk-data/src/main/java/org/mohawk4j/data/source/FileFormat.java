package org.mohawk4j.data.source;

import java.util.Locale;
import java.util.Optional;
import org.mohawk4j.data.tokens.TokenFile;

/** The format of a file, determined by its name. */
public enum FileFormat {
    /** One document of UTF-8. */
    TEXT,
    /** A JSON object with a document in each line. */
    JSON_LINES,
    /** A table with a column of documents. */
    PARQUET,
    /** Token ids, as {@code ./mohawk tokenize} writes them. */
    TOKENS;

    /** What a name without the ending of its compression says, if it says anything. */
    static Optional<FileFormat> of(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        String ending = lower.substring(lower.lastIndexOf('.') + 1);
        return switch (ending) {
            case "txt", "text" -> Optional.of(TEXT);
            case "jsonl", "ndjson", "json" -> Optional.of(JSON_LINES);
            case "parquet" -> Optional.of(PARQUET);
            case TokenFile.ENDING -> Optional.of(TOKENS);
            default -> Optional.empty();
        };
    }
}
