package org.mohawk4j.backend.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.mohawk4j.backend.DryRun.Allocation;
import org.mohawk4j.backend.DryRun.Launch;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Takes the place of a device that need not be there: hands out addresses without memory behind them, and notes what is
 * launched instead of launching it.
 */
public final class DryDevice {
    /** No size or count that a kernel is given is as large. */
    private static final long FIRST_ADDRESS = 1L << 46;

    /** As the driver aligns memory. */
    private static final long ALIGNMENT = 512;

    private final TreeMap<Long, Allocation> live = new TreeMap<>();
    private final List<Launch> launches = new ArrayList<>();
    private long next = FIRST_ADDRESS;
    private long liveBytes;
    private long peakBytes;
    private List<Allocation> peak = List.of();

    /** Whether memory only grew since the peak, so that what is live now is the peak. */
    private boolean peaking;

    /** By the address of a table, the bytes of the arrays that it points to. */
    private final Map<Long, Long> tables = new TreeMap<>();

    /** Memory of one array. */
    public long allocate(DType dtype, Shape shape) {
        long address = next;
        Allocation allocation = new Allocation(address, dtype, shape);
        next += (allocation.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        live.put(address, allocation);
        liveBytes += allocation.bytes();
        if (liveBytes > peakBytes) {
            peakBytes = liveBytes;
            peaking = true;
        }
        return address;
    }

    public void free(long address) {
        if (peaking && liveBytes == peakBytes) {
            peak = live();
        }
        peaking = false;
        Allocation freed = live.remove(address);
        if (freed == null) {
            throw new IllegalStateException("memory at " + address + " is freed that is not in use");
        }
        liveBytes -= freed.bytes();
        tables.remove(address);
    }

    public List<Allocation> live() {
        return List.copyOf(live.values());
    }

    public void startPeak() {
        peakBytes = liveBytes;
        peak = live();
        peaking = false;
    }

    public List<Allocation> peak() {
        return peaking ? live() : peak;
    }

    /** Notes a table of 64-bit numbers, some of which are addresses, for the launches that are given it. */
    public void table(long address, long[] numbers) {
        long bytes = 0;
        for (long number : numbers) {
            bytes += bytesFrom(number);
        }
        tables.put(address, bytes);
    }

    /** From an address to the end of its array; 0 for any other number. */
    public long bytesFrom(long number) {
        Map.Entry<Long, Allocation> found = number < FIRST_ADDRESS ? null : live.floorEntry(number);
        if (found == null) {
            return 0;
        }
        return Math.max(0, found.getKey() + found.getValue().bytes() - number);
    }

    /** Where the memory begins that an address is in. */
    public long start(long address) {
        return Objects.requireNonNull(live.floorKey(address), "an address of no array");
    }

    /** Of the arrays that a table at an address points to; 0 where there is none. */
    public long bytesOfTable(long address) {
        return tables.getOrDefault(address, 0L);
    }

    public void launch(String name, double operations, long bytes) {
        launches.add(new Launch(name, false, operations, bytes));
    }

    public void product(String name, double operations, long bytes) {
        launches.add(new Launch(name, true, operations, bytes));
    }

    public List<Launch> launches() {
        return List.copyOf(launches);
    }

    public void forgetLaunches() {
        launches.clear();
    }
}
