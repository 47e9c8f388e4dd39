package org.mohawk4j.train.plan;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.DeviceModel;

/**
 * A GPU that runs can be planned for.
 *
 * @param rates measured on it, in mixed precision
 */
public record PlannedGpu(DeviceModel model, DeviceRates rates) {
    /** The memory is what {@code nvidia-smi} shows of it, 143,771 MiB. */
    private static final Map<String, PlannedGpu> KNOWN = new TreeMap<>(Map.of(
            "h200",
            new PlannedGpu(
                    new DeviceModel("NVIDIA H200", 9, 0, 132, 1_980_000, 227 << 10, 143_771L << 20),
                    DeviceRates.H200)));

    /**
     * A GPU by its name.
     *
     * @throws InvalidInputException if nothing was measured on it
     */
    public static PlannedGpu named(String name) {
        PlannedGpu found = KNOWN.get(name.toLowerCase(Locale.ROOT));
        if (found == null) {
            throw new InvalidInputException(
                    "gpu: expected one with measured rates, " + String.join(", ", KNOWN.keySet()) + ", got " + name);
        }
        return found;
    }

    /** The same GPU with another amount of memory. */
    public PlannedGpu withMemoryBytes(long bytes) {
        return new PlannedGpu(model.withMemoryBytes(bytes), rates);
    }
}
