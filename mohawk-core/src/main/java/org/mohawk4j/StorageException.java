package org.mohawk4j;

/**
 * Output cannot be written because the disk is full or fails, not because of invalid input. The message is one line
 * that names the file and the reason; commands print that line and exit with code 1.
 */
public final class StorageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one line: the file, the reason */
    public StorageException(String message) {
        super(message);
    }

    /** @param message one line: the file, the reason */
    public StorageException(String message, Throwable cause) {
        super(message, cause);
    }
}
