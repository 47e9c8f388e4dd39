package org.mohawk4j.backend;

import java.util.Optional;

/** How a backend is found: implementations are listed for {@link java.util.ServiceLoader}. */
public interface BackendProvider {
    /** The name users choose it by, such as {@code nd4j}. */
    String name();

    /** Whether it can run here and why not; must not throw and must not hold anything. */
    Availability availability();

    /** As {@link #availability()}, with these options: on the device that they name. */
    default Availability availability(BackendOptions options) {
        return availability();
    }

    /** Opens the device. Called only when {@link #availability(BackendOptions)} says that it can run. */
    Backend open(BackendOptions options);

    /**
     * Opens a backend whose {@link Backend#dryRun} tells what a device would be asked to do, where none need be.
     *
     * @return empty if this provider has no such backend
     */
    default Optional<Backend> openDry(BackendOptions options, DeviceModel device) {
        return Optional.empty();
    }

    /**
     * Whether a backend can run on this machine.
     *
     * @param rank the larger one is preferred when the user leaves the choice open; negative if it cannot run
     * @param reason one line: what was found, or what is missing
     */
    record Availability(int rank, String reason) {
        public static Availability yes(int rank, String found) {
            return new Availability(rank, found);
        }

        public static Availability no(String missing) {
            return new Availability(-1, missing);
        }

        public boolean usable() {
            return rank >= 0;
        }
    }
}
