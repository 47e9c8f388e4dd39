package org.mohawk4j.backend.cuda.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.tensor.types.HostTensor;

/** Small arrays on their way to host memory that the device writes by itself, each with an event behind it. */
public final class AsyncDownloads implements AutoCloseable {
    private static final long SLOT_BYTES = 4096;

    private final CudaContext context;
    private final List<Slot> slots = new ArrayList<>();
    private final Deque<Slot> free = new ArrayDeque<>();

    public AsyncDownloads(CudaContext context) {
        this.context = context;
    }

    private record Slot(BytePointer memory, CUevent_st arrived) {}

    public static boolean fits(CudaArray source) {
        return bytes(source) <= SLOT_BYTES;
    }

    private static long bytes(CudaArray source) {
        return source.size() * source.dtype().bytes();
    }

    /** Queues a copy; what is returned waits for it, once. */
    public Supplier<HostTensor> start(CudaArray source) {
        if (context.dry().isPresent()) {
            ByteBuffer zeros =
                    ByteBuffer.allocate(Math.toIntExact(bytes(source))).order(ByteOrder.LITTLE_ENDIAN);
            return () -> new HostTensor(source.dtype(), source.shape(), zeros);
        }
        context.use();
        Slot slot = free.isEmpty() ? allocate() : free.pop();
        int bytes = Math.toIntExact(bytes(source));
        CudaStatus.driver(
                cudart.cuMemcpyDtoHAsync(slot.memory, source.address(), bytes, context.stream()),
                () -> "downloading " + source.dtype() + " " + source.shape());
        CudaStatus.driver(cudart.cuEventRecord(slot.arrived, context.stream()), "marking a download");
        return () -> {
            context.use();
            CudaStatus.driver(cudart.cuEventSynchronize(slot.arrived), () -> "downloading " + source.shape());
            byte[] copy = new byte[bytes];
            slot.memory.position(0).get(copy);
            free.push(slot);
            return new HostTensor(
                    source.dtype(), source.shape(), ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN));
        };
    }

    private Slot allocate() {
        try (PointerPointer<Pointer> address = new PointerPointer<>(1)) {
            CudaStatus.driver(
                    cudart.cuMemAllocHost(address, SLOT_BYTES), "allocating " + SLOT_BYTES + " bytes on the host");
            CUevent_st arrived = new CUevent_st();
            CudaStatus.driver(cudart.cuEventCreate(arrived, cudart.CU_EVENT_DISABLE_TIMING), "making an event");
            Slot slot = new Slot(new BytePointer(address.get()).capacity(SLOT_BYTES), arrived);
            slots.add(slot);
            return slot;
        }
    }

    @Override
    public void close() {
        context.use();
        for (Slot slot : slots) {
            CudaStatus.driver(cudart.cuMemFreeHost(slot.memory.position(0)), "freeing host memory");
            CudaStatus.driver(cudart.cuEventDestroy(slot.arrived), "closing an event");
        }
    }
}
