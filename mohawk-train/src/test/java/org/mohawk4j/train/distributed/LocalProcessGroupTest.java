package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

@Timeout(60)
class LocalProcessGroupTest {
    @FunctionalInterface
    private interface Work {
        double[] run(Engine engine, Communicator communicator);
    }

    /** What each rank gets. */
    private static List<double[]> on(int size, Work work) throws InterruptedException {
        double[][] found = new double[size][];
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(size, group -> {
            try (Engine engine = Engine.open(
                            "nd4j",
                            BackendOptions.defaults()
                                    .withParameterType(DType.FLOAT64)
                                    .withThreads(1));
                    Communicator communicator = group.communicator(engine.backend())) {
                found[group.rank()] = work.run(engine, communicator);
            }
        });
        assertThat(thrown).containsOnlyNulls();
        return Arrays.asList(found);
    }

    /** 1, 2, 3, 4, times one more than the rank. */
    private static Tensor own(Engine engine, Communicator communicator) {
        return engine.tensor(new double[] {1, 2, 3, 4}, 4).mul(communicator.rank() + 1);
    }

    @Test
    void sumsAreOfAllRanks() throws Exception {
        assertThat(on(4, (engine, communicator) -> {
                    Tensor x = own(engine, communicator);
                    communicator.allReduce(List.of(x.array()));
                    assertThat(x.toDoubles()).as("before they arrive").containsOnly(Double.NaN);
                    communicator.await();
                    return x.toDoubles();
                }))
                .allSatisfy(sums -> assertThat(sums).containsExactly(10, 20, 30, 40));
    }

    @Test
    void aScatteredSumIsGatheredAgain() throws Exception {
        assertThat(on(2, (engine, communicator) -> {
                    Tensor x = own(engine, communicator);
                    List<Array> arrays = List.of(x.array());
                    communicator.reduceScatter(arrays);
                    communicator.await();
                    assertThat(x.narrow(0, communicator.rank() * 2L, 2).toDoubles())
                            .containsExactly(communicator.rank() * 6 + 3, communicator.rank() * 6 + 6);
                    communicator.allGather(arrays);
                    communicator.await();
                    return x.toDoubles();
                }))
                .allSatisfy(sums -> assertThat(sums).containsExactly(3, 6, 9, 12));
    }

    @Test
    void oneRanksNumbersGoToAll() throws Exception {
        assertThat(on(3, (engine, communicator) -> {
                    Tensor x = own(engine, communicator);
                    communicator.broadcast(List.of(x.array()), 2);
                    communicator.await();
                    return x.toDoubles();
                }))
                .allSatisfy(sums -> assertThat(sums).containsExactly(3, 6, 9, 12));
    }

    @Test
    void anArrayWithoutEqualPartsIsRefused() throws Exception {
        on(3, (engine, communicator) -> {
            List<Array> arrays = List.of(own(engine, communicator).array());
            assertThatThrownBy(() -> communicator.reduceScatter(arrays)).hasMessageContaining("no 3 equal parts");
            assertThatThrownBy(() -> communicator.allGather(arrays)).hasMessageContaining("no 3 equal parts");
            return new double[0];
        });
    }

    @Test
    void whatIsExchangedArrivesInTheOrderOfRanksRoundByRound() throws Exception {
        List<String> found = Collections.synchronizedList(new ArrayList<>());
        LocalProcessGroup.run(3, group -> {
            for (int round = 0; round < 50; round++) {
                byte[] own = {(byte) round, (byte) group.rank()};
                List<byte[]> all = group.exchange(own);
                for (int rank = 0; rank < 3; rank++) {
                    if (all.get(rank)[0] != round || all.get(rank)[1] != rank) {
                        found.add("round " + round + " of rank " + group.rank());
                    }
                }
            }
        });
        assertThat(found).isEmpty();
    }

    @Test
    void aRankThatFailsFailsAllWithItsReason() throws Exception {
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(3, group -> {
            if (group.rank() == 1) {
                throw new IllegalStateException("out of memory");
            }
            group.exchange(new byte[0]);
        });
        assertThat(thrown.get(0))
                .isInstanceOf(RankFailedException.class)
                .hasMessage("rank 1 (this process) failed: out of memory");
        assertThat(thrown.get(2)).hasMessage("rank 1 (this process) failed: out of memory");
    }

    @Test
    void aThreadThatEndsWithoutAWordFailsAll() throws Exception {
        List<ProcessGroup> groups = LocalProcessGroup.of(2);
        Thread mute = new Thread(() -> groups.get(1).exchange(new byte[0]));
        mute.start();
        groups.get(0).exchange(new byte[0]);
        mute.join();
        assertThatThrownBy(() -> groups.get(0).exchange(new byte[0]))
                .isInstanceOf(RankFailedException.class)
                .hasMessage("rank 1 (this process) has ended");
    }

    @Test
    void aRankThatLeavesFailsThoseWhoWaitForIt() throws Exception {
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(2, group -> {
            if (group.rank() == 0) {
                group.exchange(new byte[0]);
            }
        });
        assertThat(thrown.get(0)).hasMessage("rank 1 (this process) has ended");
        assertThat(thrown.get(1)).isNull();
    }
}
