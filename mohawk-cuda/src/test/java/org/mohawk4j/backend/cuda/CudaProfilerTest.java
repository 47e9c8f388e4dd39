package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.KernelProfiler;
import org.mohawk4j.backend.KernelProfiler.Total;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

class CudaProfilerTest implements GpuTest {
    @Test
    void kernelsAndProductsAreCountedAndTimed() {
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults());
                Scope scope = engine.scope()) {
            Tensor x = scope.adopt(engine.full(0.5, 512, 256));
            KernelProfiler profiler = engine.backend().profiler().orElseThrow();
            List<Total> totals = profiler.profile(() -> {
                for (int i = 0; i < 3; i++) {
                    x.softmax();
                    x.matmul(false, x, true);
                }
            });

            assertThat(totals).allSatisfy(total -> {
                assertThat(total.calls()).isEqualTo(3);
                assertThat(total.seconds()).isPositive();
            });
            assertThat(totals)
                    .extracting(Total::kernel)
                    .anyMatch(name -> name.startsWith("softmax"))
                    .contains("512x512x256 NT FLOAT32 to FLOAT32");
            assertThat(totals).isSortedAccordingTo((a, b) -> Double.compare(b.seconds(), a.seconds()));
            // and nothing afterwards
            x.softmax();
            assertThat(profiler.profile(() -> {})).isEmpty();
        }
    }

    @Test
    void profilesAreNotNested() {
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults())) {
            KernelProfiler profiler = engine.backend().profiler().orElseThrow();

            assertThatThrownBy(() -> profiler.profile(() -> profiler.profile(() -> {})))
                    .isInstanceOf(IllegalStateException.class);
        }
    }
}
