package org.mohawk4j.backend.cuda.nccl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.backend.cuda.GpuTest;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** A group of one GPU. */
class NcclTest implements GpuTest {
    @Test
    void aGroupOfOneLeavesNumbersAsTheyAre() {
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults())) {
            Collectives collectives = engine.backend().collectives().orElseThrow();
            try (Communicator communicator = collectives.join(collectives.newGroup(), 0, 1)) {
                Tensor x = engine.tensor(new double[] {1, 2, 3, 4}, 4);
                Tensor y = x.mul(2);
                List<Array> both = List.of(x.array(), y.array());
                communicator.allReduce(both);
                communicator.reduceScatter(both);
                communicator.allGather(both);
                communicator.broadcast(both, 0);
                communicator.await();
                assertThat(communicator.size()).isEqualTo(1);
                assertThat(y.sub(x).toDoubles()).containsExactly(1, 2, 3, 4);
            }
        }
    }

    @Test
    void anAbortedGroupRefusesOperationsAndClosesQuietly() {
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults())) {
            Collectives collectives = engine.backend().collectives().orElseThrow();
            try (Communicator communicator = collectives.join(collectives.newGroup(), 0, 1)) {
                List<Array> arrays = List.of(engine.zeros(4).array());
                communicator.abort();
                communicator.abort();
                assertThatThrownBy(() -> communicator.allReduce(arrays))
                        .isInstanceOf(CudaException.class)
                        .hasMessage("all-reduce by rank 0: the group of GPUs was given up");
                communicator.await();
            }
        }
    }

    @Test
    void aGroupOfOtherBytesIsRefused() {
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults())) {
            Collectives collectives = engine.backend().collectives().orElseThrow();
            assertThatThrownBy(() -> collectives.join(new byte[3], 0, 1)).hasMessageContaining("has 128 bytes, got 3");
        }
    }
}
