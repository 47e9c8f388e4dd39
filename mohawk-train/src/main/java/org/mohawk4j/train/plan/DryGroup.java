package org.mohawk4j.train.plan;

import java.util.Collections;
import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.train.distributed.ProcessGroup;

/** The first of several ranks whose others are not there: it counts what would be sent to them. */
final class DryGroup implements ProcessGroup, Communicator {
    private final int size;
    private double sentBytes;
    private Runnable broadcasts = () -> {};

    DryGroup(int size) {
        this.size = size;
    }

    /** What each rank has sent since this was asked last, at the least that each operation takes. */
    double takeSentBytes() {
        double sent = sentBytes;
        sentBytes = 0;
        return sent;
    }

    /** Says who is told of each broadcast, before it. */
    void onBroadcast(Runnable listener) {
        broadcasts = listener;
    }

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String host(int rank) {
        return "nowhere";
    }

    /** The others answer alike. */
    @Override
    public List<byte[]> exchange(byte[] own) {
        return Collections.nCopies(size, own);
    }

    @Override
    public Communicator communicator(Backend backend) {
        return this;
    }

    @Override
    public void allReduce(List<Array> arrays) {
        send(2, arrays);
    }

    @Override
    public void reduceScatter(List<Array> arrays) {
        send(1, arrays);
    }

    @Override
    public void allGather(List<Array> arrays) {
        send(1, arrays);
    }

    @Override
    public void broadcast(List<Array> arrays, int root) {
        broadcasts.run();
        send(1, arrays);
    }

    private void send(double times, List<Array> arrays) {
        long bytes = arrays.stream()
                .mapToLong(array -> array.shape().size() * array.dtype().bytes())
                .sum();
        sentBytes += times * (size - 1) / size * bytes;
    }

    @Override
    public void await() {}

    @Override
    public void abort() {}

    @Override
    public void fail(String reason) {
        throw new IllegalStateException("a rank that is not there fails: " + reason);
    }

    @Override
    public void close() {}
}
