package org.mohawk4j.backend.cuda.nccl;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.DevicePointer;
import org.mohawk4j.tensor.types.DType;

/**
 * One GPU's place in a group. Operations run on a stream of their own, of high priority: a group's slowest member is what all
 * of them wait for. All arrays of a call are one group of NCCL's, in one launch.
 */
final class NcclCommunicator implements Communicator {
    private static final long ABORT_WAIT_SECONDS = 2;

    private final CudaContext context;
    private final ncclComm comm;
    private final int rank;
    private final int size;
    private final CUstream_st stream = new CUstream_st();
    private final CUevent_st computed = new CUevent_st();
    private final CUevent_st communicated = new CUevent_st();
    private final CloseStack closing = new CloseStack();

    /** Held by callers of NCCL, which frees its arguments when it is aborted. */
    private final ReentrantLock calls = new ReentrantLock();

    private volatile boolean aborted;
    private boolean closed;

    private final DevicePointer from = new DevicePointer();
    private final DevicePointer to = new DevicePointer();

    NcclCommunicator(CudaContext context, ncclComm comm, int rank, int size) {
        this.context = context;
        this.comm = comm;
        this.rank = rank;
        this.size = size;
        context.use();
        try {
            CudaStatus.driver(
                    cudart.cuStreamCreateWithPriority(stream, cudart.CU_STREAM_NON_BLOCKING, highestPriority()),
                    "making a stream for NCCL");
            closing.add(() -> CudaStatus.driver(cudart.cuStreamDestroy(stream), "closing NCCL's stream"));
            for (CUevent_st event : List.of(computed, communicated)) {
                CudaStatus.driver(cudart.cuEventCreate(event, cudart.CU_EVENT_DISABLE_TIMING), "making an event");
                closing.add(() -> CudaStatus.driver(cudart.cuEventDestroy(event), "closing an event"));
            }
            closing.add(this::leave);
        } catch (RuntimeException | Error e) {
            closing.add(this::leave);
            closing.closeAfter(e);
            throw e;
        }
    }

    private static int highestPriority() {
        int[] least = new int[1];
        int[] greatest = new int[1];
        CudaStatus.driver(cudart.cuCtxGetStreamPriorityRange(least, greatest), "asking for priorities of streams");
        return greatest[0];
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    /** Queues one operation on an array. */
    @FunctionalInterface
    private interface Operation {
        int queue(CudaArray array, int type);
    }

    @Override
    public void allReduce(List<Array> arrays) {
        queue(
                "all-reduce",
                arrays,
                (array, type) -> nccl.ncclAllReduce(
                        from.at(array), to.at(array), array.size(), type, nccl.ncclSum, comm, stream));
    }

    @Override
    public void reduceScatter(List<Array> arrays) {
        requireParts(arrays);
        queue(
                "reduce-scatter",
                arrays,
                (array, type) -> nccl.ncclReduceScatter(
                        from.at(array), to.at(ownPart(array)), array.size() / size, type, nccl.ncclSum, comm, stream));
    }

    @Override
    public void allGather(List<Array> arrays) {
        requireParts(arrays);
        queue(
                "all-gather",
                arrays,
                (array, type) -> nccl.ncclAllGather(
                        from.at(ownPart(array)), to.at(array), array.size() / size, type, comm, stream));
    }

    @Override
    public void broadcast(List<Array> arrays, int root) {
        queue(
                "broadcast",
                arrays,
                (array, type) ->
                        nccl.ncclBroadcast(from.at(array), to.at(array), array.size(), type, root, comm, stream));
    }

    private long ownPart(CudaArray array) {
        return array.address() + rank * (array.size() / size) * array.dtype().bytes();
    }

    private void requireParts(List<Array> arrays) {
        for (Array array : arrays) {
            if (array.shape().size() % size != 0) {
                throw new IllegalArgumentException(
                        "an array of shape " + array.shape() + " has no " + size + " equal parts");
            }
        }
    }

    private void queue(String what, List<Array> arrays, Operation operation) {
        if (arrays.isEmpty()) {
            return;
        }
        List<CudaArray> own = arrays.stream().map(CudaArray::cast).toList();
        calls.lock();
        try {
            requireOpen(what);
            CudaStatus.driver(cudart.cuEventRecord(computed, context.stream()), "marking what NCCL waits for");
            CudaStatus.driver(cudart.cuStreamWaitEvent(stream, computed, 0), "making NCCL wait");
            NcclStatus.require(nccl.ncclGroupStart(), what);
            int result = nccl.ncclSuccess;
            for (CudaArray array : own) {
                int queued = operation.queue(array, type(array.dtype()));
                result = result == nccl.ncclSuccess ? queued : result;
            }
            int ended = nccl.ncclGroupEnd();
            NcclStatus.require(result, () -> what + " of " + arrays.size() + " arrays by rank " + rank);
            NcclStatus.require(ended, () -> what + " of " + arrays.size() + " arrays by rank " + rank);
        } finally {
            calls.unlock();
        }
    }

    private void requireOpen(String what) {
        if (aborted) {
            throw new CudaException(what + " by rank " + rank + ": the group of GPUs was given up");
        }
        if (closed) {
            throw new IllegalStateException(what + " by rank " + rank + ", which has left its group");
        }
    }

    private static int type(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> nccl.ncclFloat64;
            case FLOAT32 -> nccl.ncclFloat32;
            case BFLOAT16 -> nccl.ncclBfloat16;
            case FLOAT16 -> nccl.ncclFloat16;
            case INT64 -> nccl.ncclInt64;
            case INT32 -> nccl.ncclInt32;
        };
    }

    @Override
    public void await() {
        if (closed) {
            return;
        }
        CUstream_st compute = context.stream();
        CudaStatus.driver(cudart.cuEventRecord(communicated, stream), "marking what NCCL has done");
        CudaStatus.driver(cudart.cuStreamWaitEvent(compute, communicated, 0), "waiting for NCCL");
    }

    /**
     * Kernels that wait for other ranks end, and what waits for them goes on with undefined numbers: the caller that aborts tells the
     * rank.
     */
    @Override
    public void abort() {
        if (aborted || closed) {
            return;
        }
        aborted = true;
        boolean locked = false;
        try {
            // a call that blocks is what is to be ended; one that does not is over soon
            locked = calls.tryLock(ABORT_WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            NcclStatus.require(nccl.ncclCommAbort(comm), "giving up a group of GPUs");
        } finally {
            if (locked) {
                calls.unlock();
            }
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            context.use();
            closing.close();
        }
    }

    private void leave() {
        if (!aborted) {
            CudaStatus.driver(cudart.cuStreamSynchronize(stream), "waiting for NCCL");
            NcclStatus.require(nccl.ncclCommDestroy(comm), "leaving a group of GPUs");
        }
    }
}
