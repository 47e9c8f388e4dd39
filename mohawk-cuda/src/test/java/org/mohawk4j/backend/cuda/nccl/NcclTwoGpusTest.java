package org.mohawk4j.backend.cuda.nccl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider.Availability;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.backend.cuda.CudaBackendProvider;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Two GPUs of this machine, a thread each; or one that both ranks have, where NCCL is told so. */
@Tag("gpu2")
@Timeout(120)
class NcclTwoGpusTest {
    private static final int COUNT = 1 << 20;
    private static final int SECOND = "1".equals(System.getenv("NCCL_MULTI_RANK_GPU_ENABLE")) ? 0 : 1;

    @BeforeAll
    static void requireTwoGpus() {
        Availability second =
                new CudaBackendProvider().availability(BackendOptions.defaults().withDevice(SECOND));
        assumeTrue(second.usable(), second.reason());
        assumeTrue(
                "1".equals(System.getenv("NCCL_P2P_DIRECT_DISABLE")),
                "ranks in one process need NCCL_P2P_DIRECT_DISABLE=1 in the environment");
    }

    @FunctionalInterface
    private interface Work {
        float[] run(Engine engine, Communicator communicator);
    }

    private static float[][] onBoth(Work work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (Engine zero = open(0);
                Engine one = open(SECOND)) {
            byte[] group = zero.backend().collectives().orElseThrow().newGroup();
            Future<float[]> first = threads.submit(() -> work(zero, group, 0, work));
            Future<float[]> second = threads.submit(() -> work(one, group, 1, work));
            return new float[][] {first.get(100, TimeUnit.SECONDS), second.get(100, TimeUnit.SECONDS)};
        } finally {
            threads.shutdownNow();
        }
    }

    private static Engine open(int device) {
        return Engine.open("cuda", BackendOptions.defaults().withDevice(device));
    }

    private static float[] work(Engine engine, byte[] group, int rank, Work work) {
        Collectives collectives = engine.backend().collectives().orElseThrow();
        try (Communicator communicator = collectives.join(group, rank, 2)) {
            return work.run(engine, communicator);
        }
    }

    private static float[] numbers(int rank) {
        SplittableRandom random = new SplittableRandom(rank);
        float[] values = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            values[i] = (float) random.nextDouble();
        }
        return values;
    }

    private static float[] sum() {
        float[] sum = numbers(0);
        float[] other = numbers(1);
        for (int i = 0; i < COUNT; i++) {
            sum[i] += other[i];
        }
        return sum;
    }

    @Test
    void sumsAreThoseOfTheHost() throws Exception {
        float[][] found = onBoth((engine, communicator) -> {
            Tensor x = engine.tensor(numbers(communicator.rank()), COUNT);
            Tensor y = engine.tensor(numbers(communicator.rank()), COUNT).mul(2);
            communicator.allReduce(List.of(x.array(), y.array()));
            communicator.await();
            return y.sub(x).toFloats();
        });
        assertThat(found[0]).isEqualTo(sum());
        assertThat(found[1]).isEqualTo(found[0]);
    }

    @Test
    void aScatteredSumIsGatheredAgain() throws Exception {
        float[][] found = onBoth((engine, communicator) -> {
            Tensor x = engine.tensor(numbers(communicator.rank()), COUNT);
            List<Array> arrays = List.of(x.array());
            communicator.reduceScatter(arrays);
            communicator.await();
            float[] own =
                    x.narrow(0, communicator.rank() * (COUNT / 2L), COUNT / 2).toFloats();
            int from = communicator.rank() * (COUNT / 2);
            assertThat(own).isEqualTo(Arrays.copyOfRange(sum(), from, from + COUNT / 2));
            communicator.allGather(arrays);
            communicator.await();
            return x.toFloats();
        });
        assertThat(found[0]).isEqualTo(sum());
        assertThat(found[1]).isEqualTo(found[0]);
    }

    @Test
    void oneGpusNumbersGoToTheOther() throws Exception {
        float[][] found = onBoth((engine, communicator) -> {
            Tensor x = engine.tensor(numbers(communicator.rank()), COUNT);
            communicator.broadcast(List.of(x.array()), 1);
            communicator.await();
            return x.toFloats();
        });
        assertThat(found[0]).isEqualTo(numbers(1));
        assertThat(found[1]).isEqualTo(found[0]);
    }

    /** What is queued before an operation is done before it, and what is queued after await() is done after it. */
    @Test
    void operationsRunBetweenWhatIsQueuedAroundThem() throws Exception {
        float[][] found = onBoth((engine, communicator) -> {
            Tensor x = engine.tensor(numbers(communicator.rank()), COUNT);
            for (int i = 0; i < 50; i++) {
                x = x.mul(0.5).add(0.25);
                communicator.allReduce(List.of(x.array()));
                communicator.await();
            }
            return x.toFloats();
        });
        assertThat(found[1]).isEqualTo(found[0]).doesNotContain(Float.NaN);
    }
}
