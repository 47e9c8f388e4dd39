package org.mohawk4j.train.plan;

import java.util.EnumMap;
import java.util.Map;

/** What devices that train together divide among themselves, beside the batch. */
public enum Sharding {
    /** Nothing, since there is one device. */
    NONE("one device", 1),
    /** The moments, as a profile of several devices has them; each has all parameters. */
    OPTIMIZER("sharded optimizer", 1),
    /** The student's parameters and their gradients as well, gathered block by block, the next one ahead. */
    PARAMETERS("sharded parameters", 1.5);

    private static final int BLOCKS_GATHERED = 2;

    private final String label;

    /** Over the link, for each that a sharded optimizer takes. */
    private final double passes;

    Sharding(String label, double passes) {
        this.label = label;
        this.passes = passes;
    }

    public String label() {
        return label;
    }

    /** That a device sends in a step. */
    double sentBytes(StageProfile profile) {
        double sent = profile.work().sentBytes();
        return profile.dividesLayers() ? sent : passes * sent;
    }

    /**
     * The memory of one device.
     *
     * @param devices those of the profile, or a multiple that shares parameters
     */
    Map<MemoryPart, Long> of(StageProfile profile, int devices) {
        Map<MemoryPart, Long> parts = new EnumMap<>(MemoryPart.class);
        parts.putAll(profile.memory());
        if (this == PARAMETERS && !profile.dividesLayers()) {
            // the profile's devices have divided the moments among themselves
            divide(parts, MemoryPart.MOMENTS, devices / profile.devices());
            divide(parts, MemoryPart.STUDENT, devices);
            divide(parts, MemoryPart.GRADIENTS, devices);
            long gathered = BLOCKS_GATHERED * profile.largestBlock() + profile.outside();
            parts.put(MemoryPart.COMMUNICATION, gathered * Float.BYTES);
        }
        return parts;
    }

    private static void divide(Map<MemoryPart, Long> parts, MemoryPart part, int devices) {
        parts.computeIfPresent(part, (same, bytes) -> (bytes + devices - 1) / devices);
    }
}
