package org.mohawk4j.backend;

import java.util.List;

/** Measures the device time of each kernel. Profiling has a cost of its own and keeps kernels from overlapping. */
public interface KernelProfiler {
    /**
     * All launches of one kernel.
     *
     * @param kernel its name, or a product's extents
     * @param seconds of all of them together
     */
    record Total(String kernel, long calls, double seconds) {}

    /** Runs the work and gives what the device did for it, the most expensive first. */
    List<Total> profile(Runnable work);
}
