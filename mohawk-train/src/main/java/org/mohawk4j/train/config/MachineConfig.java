package org.mohawk4j.train.config;

import org.mohawk4j.tensor.Engine;

/**
 * What a run computes on.
 *
 * @param threads of the CPU; 0: as many as the backend finds
 * @param backend {@code auto} or the name of one
 * @param device which of the backend's devices, from 0
 * @param dtype what a run computes in
 */
public record MachineConfig(int threads, String backend, int device, Precision dtype) {
    /** Checks the ranges. */
    public MachineConfig {
        Ranges.atLeast(0, "threads", threads);
        Ranges.require(!backend.isBlank(), "backend", "auto or the name of a backend", "nothing");
        Ranges.atLeast(0, "device", device);
    }

    /** The defaults. */
    public static MachineConfig defaults() {
        return new MachineConfig(0, "auto", 0, Precision.FLOAT);
    }

    /**
     * The engine that it asks for, the caller's to close.
     *
     * @throws org.mohawk4j.InvalidInputException if there is no such backend or device, or it cannot run here
     */
    public Engine open() {
        return Engine.open(backend, dtype.options().withThreads(threads).withDevice(device));
    }
}
