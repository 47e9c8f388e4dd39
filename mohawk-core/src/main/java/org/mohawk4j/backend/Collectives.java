package org.mohawk4j.backend;

/** How backends of several processes, each with its own device, form a group. */
public interface Collectives {
    /** A new group's identity, created by one rank and passed on to the others. */
    byte[] newGroup();

    /**
     * Joins a group; returns when all ranks have joined.
     *
     * @param group from {@link #newGroup}
     */
    Communicator join(byte[] group, int rank, int size);

    /** Whether ranks of a group may have the same device. */
    default boolean sharesDevices() {
        return false;
    }
}
