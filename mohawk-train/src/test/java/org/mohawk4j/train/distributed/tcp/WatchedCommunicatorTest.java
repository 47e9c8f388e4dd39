package org.mohawk4j.train.distributed.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mohawk4j.train.distributed.tcp.Ranks.failure;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.train.distributed.RankFailedException;

/** Operations on a device that ends them by an error of its own when they are aborted. */
@Timeout(120)
class WatchedCommunicatorTest {
    private final Ranks ranks = new Ranks();
    private final Ending ending = new Ending(Ranks.QUICK);
    private final Device device = new Device();
    private final AtomicInteger begun = new AtomicInteger();
    private final Communicator watched = new WatchedCommunicator(device, ending, begun::incrementAndGet);

    @AfterEach
    void end() {
        ending.leave();
        ranks.close();
    }

    /** Waits in sums. */
    private static final class Device implements Communicator {
        private final CountDownLatch waiting = new CountDownLatch(1);
        private final CountDownLatch aborted = new CountDownLatch(1);
        private boolean closed;
        private boolean abortedFirst;

        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int size() {
            return 2;
        }

        @Override
        public void allReduce(List<Array> arrays) {
            waiting.countDown();
            try {
                aborted.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            throw new IllegalStateException("unhandled system error");
        }

        @Override
        public void reduceScatter(List<Array> arrays) {}

        @Override
        public void allGather(List<Array> arrays) {}

        @Override
        public void broadcast(List<Array> arrays, int root) {}

        @Override
        public void await() {}

        @Override
        public void abort() {
            aborted.countDown();
        }

        @Override
        public void close() {
            closed = true;
            abortedFirst = aborted.getCount() == 0;
        }
    }

    private void fail() {
        Failure reason = new Failure("rank 1 on there: has ended", false);
        assertThat(ending.begin(reason)).isTrue();
        ending.force(reason);
    }

    @Test
    void operationThatWaitsEndsWithWhyTheGroupHasFailed() throws InterruptedException {
        ending.add(watched);
        Future<?> sum = ranks.start(() -> {
            watched.allReduce(List.of());
            return "summed";
        });
        device.waiting.await();
        fail();

        assertThat(failure(sum))
                .isInstanceOf(RankFailedException.class)
                .hasMessage("rank 1 on there: has ended")
                .satisfies(thrown -> assertThat(thrown.getSuppressed()[0]).hasMessage("unhandled system error"));
    }

    @Test
    void communicatorThatIsJoinedAfterTheFailureIsAborted() {
        fail();
        ending.add(watched);

        assertThat(device.aborted.getCount()).isZero();
    }

    @Test
    void nothingIsBegunAfterAFailure() {
        ending.add(watched);
        fail();

        assertThatThrownBy(() -> watched.allGather(List.of())).hasMessage("rank 1 on there: has ended");
        assertThatThrownBy(watched::await).hasMessage("rank 1 on there: has ended");
        watched.close();
        assertThat(device.abortedFirst)
                .as("closing waits for operations that are not aborted")
                .isTrue();
    }

    @Test
    void operationsAreCounted() {
        watched.reduceScatter(List.of());
        watched.allGather(List.of());
        watched.broadcast(List.of(), 0);
        watched.await();
        watched.close();

        assertThat(begun).hasValue(3);
        assertThat(device.closed).isTrue();
    }

    @Test
    void deviceErrorWithoutAFailedRankStaysWhatItIs() {
        device.abort();

        assertThatThrownBy(() -> watched.allReduce(List.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("unhandled system error");
    }
}
