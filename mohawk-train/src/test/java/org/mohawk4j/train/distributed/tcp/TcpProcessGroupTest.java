package org.mohawk4j.train.distributed.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mohawk4j.train.distributed.tcp.Ranks.QUICK;
import static org.mohawk4j.train.distributed.tcp.Ranks.failure;
import static org.mohawk4j.train.distributed.tcp.Ranks.get;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.distributed.RankFailedException;

@Timeout(120)
class TcpProcessGroupTest {
    private final Ranks ranks = new Ranks();

    @AfterEach
    void end() {
        ranks.close();
    }

    @Test
    void allRanksGetAllValuesInOrder() {
        List<TcpProcessGroup> group = ranks.group(4, QUICK);
        List<Future<Integer>> sums = group.stream()
                .map(rank -> ranks.start(() -> {
                    int sum = 0;
                    for (int i = 0; i < 500; i++) {
                        List<byte[]> all = rank.exchange(new byte[] {(byte) (i + rank.rank())});
                        for (int other = 0; other < all.size(); other++) {
                            assertThat(all.get(other)).containsExactly((byte) (i + other));
                        }
                        sum += all.get(3)[0];
                    }
                    rank.close();
                    return sum;
                }))
                .toList();

        int expected = IntStream.range(0, 500).map(i -> (byte) (i + 3)).sum();
        assertThat(sums.stream().map(Ranks::get)).containsOnly(expected);
    }

    @Test
    void largeValuesAndEmptyOnes() {
        List<TcpProcessGroup> group = ranks.group(2, QUICK);
        Future<List<byte[]>> one = ranks.start(() -> group.get(1).exchange(new byte[5_000_000]));
        Future<List<byte[]>> zero = ranks.start(() -> group.get(0).exchange(new byte[0]));

        assertThat(get(zero).get(1)).hasSize(5_000_000);
        assertThat(get(one).get(0)).isEmpty();
    }

    @Test
    void reasonOfAFailureReachesAllRanks() {
        List<TcpProcessGroup> group = ranks.group(3, QUICK);
        Future<?> zero = ranks.start(() -> group.get(0).exchange(new byte[1]));
        Future<?> two = ranks.start(() -> group.get(2).exchange(new byte[1]));
        group.get(1).fail("the disk is full");

        for (Future<?> waiting : List.of(zero, two)) {
            assertThat(failure(waiting))
                    .isInstanceOf(RankFailedException.class)
                    .hasMessage("rank 1 on here, device 1: the disk is full");
        }
        assertThat(group.get(1).failure()).get().isInstanceOf(RankFailedException.class);
    }

    @Test
    void refusalIsBadInputOnAllRanks() {
        List<TcpProcessGroup> group = ranks.group(2, QUICK);
        Future<?> zero = ranks.start(() -> group.get(0).exchange(new byte[1]));
        group.get(1).refuse("device: expected one from 0 to 0, found 1");

        assertThat(failure(zero))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("rank 1 on here, device 1: device: expected one from 0 to 0, found 1");
    }

    @Test
    void rankThatLeavesWhileOthersWaitIsNamed() {
        List<TcpProcessGroup> group = ranks.group(3, QUICK);
        Future<?> zero = ranks.start(() -> group.get(0).exchange(new byte[1]));
        Future<?> two = ranks.start(() -> group.get(2).exchange(new byte[1]));
        group.get(1).close();

        for (Future<?> waiting : List.of(zero, two)) {
            assertThat(failure(waiting))
                    .hasMessage("rank 1 on here, device 1: has left the run while others wait for it");
        }
    }

    @Test
    void rankZeroThatLeavesWhileOthersWaitIsNamed() {
        List<TcpProcessGroup> group = ranks.group(2, QUICK);
        Future<?> one = ranks.start(() -> group.get(1).exchange(new byte[1]));
        group.get(0).close();

        assertThat(failure(one)).hasMessage("rank 0 on here, device 0: has left the run while others wait for it");
    }

    @Test
    void ranksThatAreDoneLeaveOneThatIsNot() throws InterruptedException {
        List<TcpProcessGroup> group = ranks.group(3, QUICK);
        group.forEach(TcpProcessGroup::progress);
        group.get(1).close();
        group.get(2).close();
        Thread.sleep(1_500);

        group.get(0).progress();
        assertThat(group.get(0).failure()).isEmpty();
    }

    @Test
    void rankThatStopsProceedingIsNamedWhereOthersWait() {
        List<TcpProcessGroup> group = ranks.group(3, QUICK);
        group.forEach(TcpProcessGroup::progress);
        Future<?> zero = ranks.start(() -> group.get(0).exchange(new byte[1]));
        Future<?> two = ranks.start(() -> group.get(2).exchange(new byte[1]));

        for (Future<?> waiting : List.of(zero, two)) {
            assertThat(failure(waiting))
                    .isInstanceOf(RankFailedException.class)
                    .hasMessage("rank 1 on here, device 1: expected progress within 0 s, found none, and others waiting"
                            + " for it");
        }
    }

    @Test
    void rankThatProceedsMayTakeItsTime() throws InterruptedException {
        List<TcpProcessGroup> group = ranks.group(2, QUICK);
        group.forEach(TcpProcessGroup::progress);
        Future<List<byte[]>> zero = ranks.start(() -> group.get(0).exchange(new byte[1]));
        for (int i = 0; i < 8; i++) {
            Thread.sleep(200);
            group.get(1).progress();
        }
        Future<List<byte[]>> one = ranks.start(() -> group.get(1).exchange(new byte[1]));

        assertThat(get(zero)).hasSize(2);
        assertThat(get(one)).hasSize(2);
    }

    @Test
    void failureEndsTheProcessWhereTheTrainingThreadDoesNotLeave() throws InterruptedException {
        AtomicReference<RuntimeException> told = new AtomicReference<>();
        CountDownLatch called = new CountDownLatch(1);
        List<TcpProcessGroup> group =
                ranks.group(2, QUICK.withLeave(Duration.ofMillis(200)).withStuck(failure -> {
                    told.set(failure);
                    called.countDown();
                }));
        group.get(0).fail("out of memory");
        group.get(0).close();

        assertThat(called.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(told.get()).hasMessage("rank 0 on here, device 0: out of memory");
    }
}
