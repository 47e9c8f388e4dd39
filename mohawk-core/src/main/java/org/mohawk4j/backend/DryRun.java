package org.mohawk4j.backend;

import java.util.List;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * What a backend without a device was asked to do. Its arrays have types and shapes and no numbers: nothing is allocated
 * or computed, uploads are not read, and downloads give zeros. The operations are those of the real backend, so memory
 * and work follow from its own code.
 */
public interface DryRun {
    /**
     * Work that the device would have been given.
     *
     * @param name of the kernel, or {@code product} and its sizes
     * @param product whether it is a matrix product of the vendor's library
     * @param operations of tensor cores: multiplications and additions; 0 where memory decides the time
     * @param bytes of all arrays that it reads or writes, each once
     */
    record Launch(String name, boolean product, double operations, long bytes) {}

    /**
     * Memory that is in use at some time.
     *
     * @param address as {@link #addressOf} gives it
     */
    record Allocation(long address, DType dtype, Shape shape) {
        public long bytes() {
            return shape.size() * dtype.bytes();
        }
    }

    /** Everything asked for since the backend was opened or {@link #forgetLaunches} was called, in order. */
    List<Launch> launches();

    void forgetLaunches();

    /** What is in use now. */
    List<Allocation> live();

    /** From now on {@link #peak} is the peak from here on. */
    void startPeak();

    /** What was in use when most was, since {@link #startPeak}, or since the backend was opened. */
    List<Allocation> peak();

    /** Where the memory of an array of this backend begins, different for all that was ever allocated. */
    long addressOf(Array array);
}
