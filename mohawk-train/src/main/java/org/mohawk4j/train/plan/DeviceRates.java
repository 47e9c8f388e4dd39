package org.mohawk4j.train.plan;

import java.util.List;
import org.mohawk4j.backend.DryRun.Launch;

/**
 * What a device does in a second, in mixed precision. A step takes the sum over its launches of the longer of computing and
 * moving bytes, or the time that the host needs to launch them, if that is longer.
 *
 * @param products operations of matrix products
 * @param alongTime operations of the fused kernels that multiply along time: attention and the distance of stage 1
 * @param bytes that a kernel reads and writes
 * @param launchSeconds that the host takes for each launch
 * @param link bytes that each device sends while all of them reduce: bus bandwidth, as NCCL's tests define it
 */
public record DeviceRates(double products, double alongTime, double bytes, double launchSeconds, double link) {
    /**
     * Measured on NVIDIA H200s, as {@code docs/performance.md} records it: a product of 8192³ in bfloat16 by a chip as warm
     * as training makes it (699 TFLOP/s), causal attention forward (51% of a product's 705 TFLOP/s), copying (4.26 TB/s).
     * The time of a launch is that of stage 1 at B 1, where the host decides (2,145 launches in 32.8 to 37.6 ms). The link
     * is NCCL's all-reduce between two of them, without multicast.
     */
    public static final DeviceRates H200 = new DeviceRates(699e12, 360e12, 4.26e12, 15.5e-6, 339e9);

    /** Traffic of all devices that is not hidden behind the backward pass. An assumption. */
    private static final double EXPOSED = 0.5;

    /** Of one device's step. */
    public double seconds(List<Launch> step) {
        double busy = step.stream().mapToDouble(this::seconds).sum();
        return Math.max(busy, launchSeconds * step.size());
    }

    private double seconds(Launch launch) {
        double rate = launch.product() ? products : alongTime;
        return Math.max(launch.operations() / rate, launch.bytes() / bytes);
    }

    /**
     * What sending to other devices adds to a step.
     *
     * @param sent bytes of each device
     */
    double sendingSeconds(double sent) {
        return EXPOSED * sent / link;
    }
}
