package org.mohawk4j.backend;

/**
 * A device that need not be there, as far as a {@link DryRun} has to know it.
 *
 * @param name the maker's
 * @param major of the compute capability
 * @param minor of the compute capability
 * @param multiprocessors how many
 * @param kilohertz their highest clock
 * @param sharedBytes the most shared memory that a block can have
 * @param memoryBytes all of its memory
 */
public record DeviceModel(
        String name, int major, int minor, int multiprocessors, int kilohertz, int sharedBytes, long memoryBytes) {
    public DeviceModel withMemoryBytes(long bytes) {
        return new DeviceModel(name, major, minor, multiprocessors, kilohertz, sharedBytes, bytes);
    }
}
