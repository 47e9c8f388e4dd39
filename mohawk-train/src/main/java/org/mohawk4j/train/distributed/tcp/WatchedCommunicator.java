package org.mohawk4j.train.distributed.tcp;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Communicator;

/** Counts a rank's operations, and refuses to go on in a group that has failed. */
final class WatchedCommunicator implements Communicator {
    private final Communicator own;
    private final Ending ending;
    private final Runnable begun;

    /** @param begun is told of each operation */
    WatchedCommunicator(Communicator own, Ending ending, Runnable begun) {
        this.own = own;
        this.ending = ending;
        this.begun = begun;
    }

    @Override
    public int rank() {
        return own.rank();
    }

    @Override
    public int size() {
        return own.size();
    }

    @Override
    public void allReduce(List<Array> arrays) {
        begin(() -> own.allReduce(arrays));
    }

    @Override
    public void reduceScatter(List<Array> arrays) {
        begin(() -> own.reduceScatter(arrays));
    }

    @Override
    public void allGather(List<Array> arrays) {
        begin(() -> own.allGather(arrays));
    }

    @Override
    public void broadcast(List<Array> arrays, int root) {
        begin(() -> own.broadcast(arrays, root));
    }

    private void begin(Runnable operation) {
        begun.run();
        run(operation);
    }

    private void run(Runnable operation) {
        ending.requireNone();
        try {
            operation.run();
        } catch (RuntimeException e) {
            // an operation that was ended for a failed rank says less than why
            ending.failure().ifPresent(reason -> {
                RuntimeException why = reason.exception();
                why.addSuppressed(e);
                throw why;
            });
            throw e;
        }
    }

    @Override
    public void await() {
        run(own::await);
    }

    @Override
    public void abort() {
        own.abort();
    }

    /** After a failure operations are aborted, so that there is nothing to wait for. */
    @Override
    public void close() {
        if (ending.failure().isPresent()) {
            ending.awaitAborted();
        }
        own.close();
    }
}
