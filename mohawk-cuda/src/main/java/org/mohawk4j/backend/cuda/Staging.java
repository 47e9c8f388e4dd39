package org.mohawk4j.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/** Host memory that the device reads by itself, so that the stream goes on while a small table is sent. */
final class Staging implements AutoCloseable {
    private final CudaContext context;
    private final CUevent_st sent = new CUevent_st();
    private @Nullable BytePointer place;

    Staging(CudaContext context) {
        this.context = context;
        context.use();
        Status.driver(cudart.cuEventCreate(sent, cudart.CU_EVENT_DISABLE_TIMING), "making an event");
    }

    /** Room for so many bytes, once what was sent last has arrived. */
    ByteBuffer room(long bytes) {
        context.use();
        Status.driver(cudart.cuEventSynchronize(sent), "waiting for a table to be sent");
        BytePointer current = place;
        if (current == null || current.capacity() < bytes) {
            close(current);
            current = allocate(bytes);
            place = current;
        }
        return current.position(0).limit(bytes).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static BytePointer allocate(long bytes) {
        try (PointerPointer<Pointer> address = new PointerPointer<>(1)) {
            Status.driver(cudart.cuMemAllocHost(address, bytes), () -> "allocating " + bytes + " bytes on the host");
            return new BytePointer(address.get()).capacity(bytes);
        }
    }

    /** Queues what stands in the room. */
    void send(CudaArray target, long bytes) {
        Status.driver(
                cudart.cuMemcpyHtoDAsync(target.address(), place, bytes, context.stream()),
                () -> "sending a table of " + bytes + " bytes");
        Status.driver(cudart.cuEventRecord(sent, context.stream()), "marking a table as sent");
    }

    private static void close(@Nullable BytePointer old) {
        if (old != null) {
            Status.driver(cudart.cuMemFreeHost(old.position(0)), "freeing host memory");
        }
    }

    @Override
    public void close() {
        context.use();
        close(place);
        place = null;
        Status.driver(cudart.cuEventDestroy(sent), "closing an event");
    }
}
