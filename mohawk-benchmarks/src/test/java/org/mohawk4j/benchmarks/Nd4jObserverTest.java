package org.mohawk4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.factory.Nd4j;

class Nd4jObserverTest {
    @Test
    void productsAreToldFromSumsAndEverythingIsSeen() {
        // in float32 the backend has kernels of its own
        BackendOptions options = BackendOptions.defaults().withParameterType(DType.FLOAT64);
        try (Engine engine = Engine.open("nd4j", options)) {
            Tensor x = engine.full(0.5, 300, 200);
            OperationTimes product = observed(() -> x.matmul(false, x, true));
            assertThat(product.nanosOf(OperationTimes.PRODUCTS)).isPositive();
            assertThat(product.nanosOf(OperationTimes.SUMS)).isZero();
            OperationTimes sum = observed(() -> x.sum(1, true));
            assertThat(sum.nanosOf(OperationTimes.PRODUCTS)).isZero();
            assertThat(sum.nanosOf(OperationTimes.SUMS)).isPositive();
            OperationTimes exponential = observed(x::exp);
            assertThat(exponential.calls()).isEqualTo(1);
            assertThat(exponential.shares(exponential.nanos(), 3)).containsEntry("exp", 1.0);
        }
    }

    private static OperationTimes observed(Runnable work) {
        OperationTimes times = new OperationTimes();
        long start = System.nanoTime();
        try (Nd4jObserver observer = new Nd4jObserver(times)) {
            work.run();
        }
        assertThat(times.nanos()).isBetween(1L, System.nanoTime() - start);
        return times;
    }

    @Test
    void whatFailsFailsAsBeforeAndTheExecutionerComesBack() {
        OpExecutioner own = Nd4j.getExecutioner();
        try (Nd4jObserver observer = new Nd4jObserver((operation, nanos) -> {})) {
            assertThat(Nd4j.getExecutioner()).isNotSameAs(own);
            assertThatThrownBy(() -> Nd4j.matmul(Nd4j.ones(2, 3), Nd4j.ones(4, 5)))
                    .isInstanceOf(RuntimeException.class);
        }
        assertThat(Nd4j.getExecutioner()).isSameAs(own);
    }
}
