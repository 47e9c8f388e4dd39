package org.mohawk4j;

/**
 * What is to be kept cannot be written, and no input is to blame: the disk is full or fails. The message is one line that
 * names the file and the reason; commands print that line and exit with code 1.
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
