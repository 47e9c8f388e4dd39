package org.mohawk4j.backend.cuda.compile;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.DevicePointer;

/** A kernel's arguments in native memory, filled again for each launch: a launch allocates none. */
public final class KernelArguments implements AutoCloseable {
    private static final int MOST_BYTES = 4096;
    public static final int MOST = 64;

    private final BytePointer values = new BytePointer(MOST_BYTES);
    private final PointerPointer<Pointer> places = new PointerPointer<>(MOST);
    private final int[] sizes = new int[MOST];
    private final DevicePointer place = new DevicePointer();
    private final @Nullable CudaArray[] arrays = new CudaArray[MOST];
    private int arrayCount;
    private int count;
    private int used;

    public KernelArguments clear() {
        count = 0;
        used = 0;
        arrayCount = 0;
        return this;
    }

    public KernelArguments add(Array array) {
        CudaArray own = CudaArray.cast(array);
        add(own.address());
        arrays[arrayCount++] = own;
        return this;
    }

    /** One after the other. */
    public KernelArguments add(Array... all) {
        for (Array array : all) {
            add(array);
        }
        return this;
    }

    /** Null where there is none. */
    public KernelArguments add(Optional<? extends Array> array) {
        return array.isPresent() ? add(array.get()) : add(0L);
    }

    public KernelArguments add(long value) {
        values.putLong(next(Long.BYTES), value);
        return this;
    }

    public KernelArguments add(int value) {
        values.putInt(next(Integer.BYTES), value);
        return this;
    }

    public KernelArguments add(float value) {
        values.putFloat(next(Float.BYTES), value);
        return this;
    }

    public KernelArguments add(double value) {
        values.putDouble(next(Double.BYTES), value);
        return this;
    }

    /** A structure of 64-bit integers, by value. */
    public KernelArguments addStruct(long... fields) {
        int offset = next(fields.length * Long.BYTES);
        for (int i = 0; i < fields.length; i++) {
            values.putLong(offset + (long) i * Long.BYTES, fields[i]);
        }
        return this;
    }

    public PointerPointer<Pointer> places() {
        return places;
    }

    /**
     * The driver would read what a kernel declares from wherever it points, whatever was put there.
     *
     * @param declared how many bytes each of the kernel's parameters has
     * @throws IllegalStateException if there are more or fewer arguments, or one of another size
     */
    public void requireSizes(String kernel, int[] declared) {
        if (!Arrays.equals(sizes, 0, count, declared, 0, declared.length)) {
            throw new IllegalStateException(kernel + " declares parameters of " + Arrays.toString(declared)
                    + " bytes and is given arguments of " + Arrays.toString(Arrays.copyOf(sizes, count)));
        }
    }

    /** Of all arrays that the arguments point to, whole ones as they were given, others from there to their end. */
    long bytesPointedTo(DryDevice device) {
        Map<Long, CudaArray> given =
                whole().stream().collect(Collectors.toMap(CudaArray::address, array -> array, (one, same) -> one));
        long bytes = 0;
        for (int at = 0; at < used; at += Long.BYTES) {
            long number = values.getLong(at);
            CudaArray array = given.get(number);
            bytes += array == null
                    ? device.bytesFrom(number)
                    : array.size() * array.dtype().bytes();
            bytes += device.bytesOfTable(number);
        }
        return bytes;
    }

    /** The arrays that were given whole, in order. */
    List<CudaArray> whole() {
        return Arrays.stream(arrays, 0, arrayCount).map(Objects::requireNonNull).toList();
    }

    /** The arrays that were given whole, in order, for messages. */
    public String arrays() {
        return whole().stream()
                .map(array -> array.dtype() + " " + array.shape())
                .collect(Collectors.joining(", "));
    }

    /** Room for one argument, aligned to eight bytes. */
    private int next(int bytes) {
        int offset = used;
        used += (bytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        if (used > MOST_BYTES || count == MOST) {
            throw new IllegalStateException(
                    "a kernel with more than " + MOST + " arguments or " + MOST_BYTES + " bytes");
        }
        sizes[count] = bytes;
        places.put(count++, place.at(values.address() + offset));
        return offset;
    }

    @Override
    public void close() {
        values.close();
        places.close();
    }
}
