package org.mohawk4j.backend.cuda.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaStatus;

/** Host memory that the device reads by itself, so that the stream goes on while a small table is sent. */
public final class Staging implements AutoCloseable {
    private final CudaContext context;
    private final CUevent_st sent = new CUevent_st();
    private @Nullable BytePointer place;

    /** The room where there is no device. */
    private @Nullable ByteBuffer dryRoom;

    public Staging(CudaContext context) {
        this.context = context;
        if (context.dry().isEmpty()) {
            context.use();
            CudaStatus.driver(cudart.cuEventCreate(sent, cudart.CU_EVENT_DISABLE_TIMING), "making an event");
        }
    }

    /** Room for so many bytes, once what was sent last has arrived. */
    public ByteBuffer room(long bytes) {
        if (context.dry().isPresent()) {
            ByteBuffer heap = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
            dryRoom = heap;
            return heap;
        }
        context.use();
        CudaStatus.driver(cudart.cuEventSynchronize(sent), "waiting for a table to be sent");
        BytePointer current = place;
        if (current == null || current.capacity() < bytes) {
            close(current);
            // so that a failure leaves nothing that is freed
            place = null;
            current = allocate(bytes);
            place = current;
        }
        return current.position(0).limit(bytes).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static BytePointer allocate(long bytes) {
        try (PointerPointer<Pointer> address = new PointerPointer<>(1)) {
            CudaStatus.driver(
                    cudart.cuMemAllocHost(address, bytes), () -> "allocating " + bytes + " bytes on the host");
            return new BytePointer(address.get()).capacity(bytes);
        }
    }

    /** Queues what stands in the room. */
    public void send(CudaArray target, long bytes) {
        if (context.dry().isPresent()) {
            long[] numbers = new long[Math.toIntExact(bytes / Long.BYTES)];
            Objects.requireNonNull(dryRoom)
                    .duplicate()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer()
                    .get(numbers);
            context.dry().get().table(target.address(), numbers);
            return;
        }
        CudaStatus.driver(
                cudart.cuMemcpyHtoDAsync(target.address(), place, bytes, context.stream()),
                () -> "sending a table of " + bytes + " bytes");
        CudaStatus.driver(cudart.cuEventRecord(sent, context.stream()), "marking a table as sent");
    }

    private static void close(@Nullable BytePointer old) {
        if (old != null) {
            CudaStatus.driver(cudart.cuMemFreeHost(old.position(0)), "freeing host memory");
        }
    }

    @Override
    public void close() {
        if (context.dry().isPresent()) {
            return;
        }
        context.use();
        close(place);
        place = null;
        CudaStatus.driver(cudart.cuEventDestroy(sent), "closing an event");
    }
}
