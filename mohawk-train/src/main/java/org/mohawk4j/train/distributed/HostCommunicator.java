package org.mohawk4j.train.distributed;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;

/**
 * Collective operations through the host, by {@link ProcessGroup#exchange}, for backends that have none of their own. Sums
 * are taken in double, in the order of ranks. Results arrive at {@link #await}; until then the arrays are NaN, so that
 * reading them too early shows on every backend.
 */
public final class HostCommunicator implements Communicator {
    private final ProcessGroup group;
    private final MemoryOps memory;
    private final Map<Array, HostTensor> pending = new LinkedHashMap<>();

    HostCommunicator(ProcessGroup group, MemoryOps memory) {
        this.group = group;
        this.memory = memory;
    }

    /** Joins the ranks of a group by the backend's own collective operations, or through the host if it has none. */
    public static Communicator join(ProcessGroup group, Backend backend) {
        if (backend.collectives().isEmpty()) {
            return new HostCommunicator(group, backend.memory());
        }
        Collectives collectives = backend.collectives().get();
        byte[] id = group.exchange(group.rank() == 0 ? collectives.newGroup() : new byte[0])
                .get(0);
        return collectives.join(id, group.rank(), group.size());
    }

    @Override
    public int rank() {
        return group.rank();
    }

    @Override
    public int size() {
        return group.size();
    }

    @Override
    public void allReduce(List<Array> arrays) {
        combine(arrays, (array, all) -> {
            int count = Math.toIntExact(array.shape().size());
            return sum(array, all, 0, count);
        });
    }

    @Override
    public void reduceScatter(List<Array> arrays) {
        requireParts(arrays);
        combine(arrays, (array, all) -> {
            int count = Math.toIntExact(array.shape().size() / size());
            return sum(array, all, rank() * count, count);
        });
    }

    /** The sum of some elements, and NaN in the place of all others. */
    private static HostTensor sum(Array array, List<HostTensor> all, int from, int count) {
        double[] sums = new double[Math.toIntExact(array.shape().size())];
        Arrays.fill(sums, Double.NaN);
        Arrays.fill(sums, from, from + count, 0);
        for (HostTensor one : all) {
            double[] values = HostTensors.toDoubles(one);
            for (int i = from; i < from + count; i++) {
                sums[i] += values[i];
            }
        }
        return HostTensors.convert(HostTensors.of(array.shape(), sums), array.dtype());
    }

    @Override
    public void allGather(List<Array> arrays) {
        requireParts(arrays);
        combine(arrays, (array, all) -> {
            ByteBuffer whole = buffer(array);
            int part = whole.capacity() / size();
            for (int rank = 0; rank < size(); rank++) {
                whole.put(rank * part, all.get(rank).data(), rank * part, part);
            }
            return new HostTensor(array.dtype(), array.shape(), whole);
        });
    }

    @Override
    public void broadcast(List<Array> arrays, int root) {
        combine(arrays, (array, all) -> all.get(root));
    }

    private void requireParts(List<Array> arrays) {
        for (Array array : arrays) {
            if (array.shape().size() % size() != 0) {
                throw new IllegalArgumentException(
                        "an array of shape " + array.shape() + " has no " + size() + " equal parts");
            }
        }
    }

    private interface Combination {
        /** @param all the array of each rank */
        HostTensor of(Array array, List<HostTensor> all);
    }

    private void combine(List<Array> arrays, Combination combination) {
        for (Array array : arrays) {
            ByteBuffer own = buffer(array);
            memory.download(array, own);
            byte[] bytes = new byte[own.capacity()];
            own.get(0, bytes);
            List<HostTensor> all = group.exchange(bytes).stream()
                    .map(given -> new HostTensor(
                            array.dtype(), array.shape(), ByteBuffer.wrap(given).order(ByteOrder.LITTLE_ENDIAN)))
                    .toList();
            pending.put(array, combination.of(array, all));
            if (array.dtype() == DType.FLOAT32 || array.dtype() == DType.FLOAT64) {
                Array unknown = memory.full(array.shape(), array.dtype(), Double.NaN);
                write(array, unknown);
            }
        }
    }

    private static ByteBuffer buffer(Array array) {
        int bytes = Math.toIntExact(array.shape().size() * array.dtype().bytes());
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void write(Array target, Array source) {
        memory.copyInto(target, source);
        memory.release(source);
    }

    @Override
    public void await() {
        pending.forEach((array, result) -> write(array, memory.upload(result, array.dtype())));
        pending.clear();
    }

    /** Operations are done when they return; those that wait for other ranks end with the group. */
    @Override
    public void abort() {}

    @Override
    public void close() {
        pending.clear();
    }
}
