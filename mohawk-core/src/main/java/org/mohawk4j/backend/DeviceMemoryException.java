package org.mohawk4j.backend;

/**
 * A device is out of memory. The message is one line: the array, what it needs, what is there, and what may help;
 * commands print that line and exit with code 1.
 */
public final class DeviceMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one line */
    public DeviceMemoryException(String message) {
        super(message);
    }
}
