package org.mohawk4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;

/** OpenBLAS and ND4J have one number of threads for the whole process, which is its own again after the last engine. */
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
    void productsHaveOneThreadUntilTheLastEngineCloses() {
        Engine first = Engine.open("nd4j", BackendOptions.defaults().withThreads(2));
        assertThat(blas_get_num_threads()).isEqualTo(1);
        Engine second = Engine.open("nd4j", BackendOptions.defaults().withThreads(2));
        first.close();
        first.close();
        assertThat(blas_get_num_threads()).isEqualTo(1);
        second.close();
        assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
    }

    @Test
    void anEngineInDoublePrecisionLeavesTheNumberAsItIs() {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(DType.FLOAT64))) {
            assertThat(engine.parameterType()).isEqualTo(DType.FLOAT64);
            assertThat(blas_get_num_threads()).isEqualTo(OTHERS);
        }
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
