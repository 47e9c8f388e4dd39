package org.mohawk4j.backend.cuda.op.linear;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Launches operations of {@code projections.cu}. During graph capture, consecutive operations become one persistent kernel,
 * which is launched when anything else is queued on the stream, or the capture ends. Otherwise, and on devices before
 * Hopper, each operation is a launch of its own.
 */
public final class PersistentLaunch {
    private static final String SOURCE = "op/linear/projections.cu";
    private static final int FIRST_MAJOR = 9;

    private final Gpu gpu;
    private @Nullable ProjectionSizes sizes;
    private List<Operation> pending = new ArrayList<>();
    private long rows;

    public PersistentLaunch(Gpu gpu) {
        this.gpu = gpu;
    }

    /** Read once, when the source is first asked for. */
    ProjectionSizes sizes() {
        ProjectionSizes known = sizes;
        if (known == null) {
            known = new ProjectionSizes(gpu, SOURCE);
            sizes = known;
        }
        return known;
    }

    /** Whether operations are collected for one launch now. */
    public boolean collects() {
        return gpu.pool().isKeeping() && gpu.device().major() >= FIRST_MAJOR;
    }

    /** Whether a launch can have an operation on so many rows. */
    public boolean fits(Operation operation, long rowCount) {
        return rowCount <= sizes().mostRows()
                && sizes().launch(List.of(operation), rowCount).fits();
    }

    /** Queues an operation that fits. */
    public void add(Operation operation, long rowCount) {
        if (!collects()) {
            launch(operation, rowCount);
            return;
        }
        if (!gpu.context().defers()) {
            // left over from a capture that failed
            pending = new ArrayList<>();
        }
        if (!pending.isEmpty() && !joins(operation, rowCount)) {
            gpu.context().flush();
        }
        pending.add(operation);
        rows = rowCount;
        gpu.context().defer(this::flush);
    }

    /** Whether an operation has as much of the ring among those before it as alone, or at least two slots. */
    private boolean joins(Operation operation, long rowCount) {
        List<Operation> longer = new ArrayList<>(pending);
        longer.add(operation);
        int alone = sizes().launch(List.of(operation), rowCount).slots();
        return rows == rowCount && sizes().launch(longer, rows).slots() >= Math.min(2, alone);
    }

    private void launch(Operation operation, long rowCount) {
        ProjectionSizes.Launch launch = sizes().launch(List.of(operation), rowCount);
        gpu.source(SOURCE)
                .kernel("projections")
                .overlapping()
                .launch(
                        gpu.device().multiprocessors(),
                        1,
                        sizes().threads(),
                        launch.sharedBytes(),
                        gpu.arguments()
                                .addStruct(operation.fields(Set.of(), 0))
                                .add(launch.rows())
                                .add(launch.slots())
                                .add(launch.capacity()));
    }

    private void flush() {
        List<Operation> operations = pending;
        pending = new ArrayList<>();
        ProjectionSizes.Launch launch = sizes().launch(operations, rows);
        // what the blocks have done, and the operations
        CudaArray progress = upload(new long[1]);
        CudaArray table = upload(table(operations));
        gpu.source(SOURCE)
                .kernel("persistent")
                .overlapping()
                .cooperating()
                .launch(
                        gpu.device().multiprocessors(),
                        1,
                        sizes().persistentThreads(),
                        launch.sharedBytes(),
                        gpu.arguments()
                                .add(table)
                                .add(operations.size())
                                .add(launch.segments())
                                .add(progress)
                                .add(launch.rows())
                                .add(launch.slots())
                                .add(launch.capacity()));
    }

    private static long[] table(List<Operation> operations) {
        long[] table = new long[operations.size() * Operation.FIELDS];
        Set<CudaPool.Block> before = new HashSet<>();
        int segment = 0;
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            System.arraycopy(operation.fields(before, segment), 0, table, i * Operation.FIELDS, Operation.FIELDS);
            before = operation.outputs();
            segment += operation.maps();
        }
        return table;
    }

    /** Uploads numbers on a stream of their own, which is not captured. */
    private CudaArray upload(long[] numbers) {
        CudaArray array = gpu.take(DType.INT64, Shape.of(numbers.length));
        CUstream_st aside = new CUstream_st();
        gpu.context().use();
        CudaStatus.driver(cudart.cuStreamCreate(aside, cudart.CU_STREAM_NON_BLOCKING), "making a stream");
        CloseStack closing = new CloseStack();
        closing.add(() -> CudaStatus.driver(cudart.cuStreamDestroy(aside), "closing a stream"));
        try (LongPointer host = new LongPointer(numbers)) {
            CudaStatus.driver(
                    cudart.cuMemcpyHtoDAsync(array.address(), host, (long) numbers.length * Long.BYTES, aside),
                    () -> "sending a table of " + numbers.length + " numbers");
            CudaStatus.driver(cudart.cuStreamSynchronize(aside), "sending a table");
        } finally {
            closing.close();
        }
        return array;
    }
}
