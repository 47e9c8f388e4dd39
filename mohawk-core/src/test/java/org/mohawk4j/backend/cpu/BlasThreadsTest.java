package org.mohawk4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;

/** OpenBLAS and ND4J have one number of threads for the whole process, which is its own again after our calls. */
class BlasThreadsTest {
    private static final int OTHERS = 3;

    private int before;

    @BeforeEach
    void setNumberOfTheProcess() {
        Nd4j.getEnvironment(); // sets the number when it is loaded
        before = blas_get_num_threads();
        blas_set_num_threads(OTHERS);
    }

    @AfterEach
    void restore() {
        blas_set_num_threads(before);
    }

    @Test
    void tasksMultiplyWithOneThreadAndTheProcessKeepsItsNumber() {
        Set<Integer> seen = ConcurrentHashMap.newKeySet();
        try (Workers workers = new Workers(2, RowsVersion.choose())) {
            workers.run(8, (index, lane) -> seen.add(blas_get_num_threads()));
            assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
            workers.runHere(2, (index, lane) -> seen.add(blas_get_num_threads()));
            assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
        }
        assertThat(seen).containsExactly(1);
    }

    @Test
    void aTaskThatFailsLeavesTheNumberOfTheProcess() {
        try (Workers workers = new Workers(2, RowsVersion.choose())) {
            assertThatThrownBy(() -> workers.run(4, (index, lane) -> {
                        throw new IllegalStateException("task " + index);
                    }))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
    }

    @Test
    void poolsThatWorkAtTheSameTimeDoNotDisturbEachOther() throws InterruptedException {
        Set<Integer> seen = ConcurrentHashMap.newKeySet();
        Thread[] threads = new Thread[3];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> {
                try (Workers workers = new Workers(2, RowsVersion.choose())) {
                    for (int run = 0; run < 300; run++) {
                        workers.run(4, (index, lane) -> seen.add(blas_get_num_threads()));
                    }
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(seen).containsExactly(1);
        assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
    }

    @Test
    void anOpenEngineLeavesTheNumberToOthersBetweenItsOperations() {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(2))) {
            assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
            Tensor x = engine.tensor(HostArray.random(Shape.of(70, 80), 1).toHostTensor(), engine.parameterType());
            assertThat(x.matmul(false, x, true).toFloats()).hasSize(70 * 70);
            assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
        }
        assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
    }

    @Test
    void enginesGiveNd4jItsThreadsBackWhenTheLastOneCloses() {
        Environment environment = Nd4j.getEnvironment();
        int threads = environment.maxThreads();
        int master = environment.maxMasterThreads();
        Engine first = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
        Engine second = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
        first.close();
        assertThat(environment.maxMasterThreads()).isEqualTo(1);
        second.close();
        assertThat(environment.maxThreads()).isEqualTo(threads);
        assertThat(environment.maxMasterThreads()).isEqualTo(master);
    }
}
