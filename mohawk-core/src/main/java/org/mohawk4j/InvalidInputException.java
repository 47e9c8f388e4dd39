package org.mohawk4j;

import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Invalid user input: a file, an option, a configuration, a shape. The message is one line that names the thing, what
 * was expected and what was found; commands print that line and exit with code 2.
 */
public class InvalidInputException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final Pattern LINE_BREAK = Pattern.compile("\\R");

    /** @param message one line: the thing, the expected, the actual */
    public InvalidInputException(String message) {
        super(singleLine(message));
    }

    /** @param message one line: the thing, the expected, the actual */
    public InvalidInputException(String message, Throwable cause) {
        super(singleLine(message), cause);
    }

    private static String singleLine(String message) {
        return LINE_BREAK.splitAsStream(message).map(String::strip).collect(Collectors.joining(" "));
    }
}
