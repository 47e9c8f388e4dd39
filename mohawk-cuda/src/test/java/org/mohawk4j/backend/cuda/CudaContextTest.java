package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.bytedeco.cuda.cudart.CUctxCreateParams;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.global.cudart;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.EventTimer;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/** The thread's current context is whatever was made current last, by anybody. */
class CudaContextTest implements GpuTest {
    private static Engine open() {
        return new Engine(new CudaBackend(BackendOptions.defaults().withMixed(true)));
    }

    /** A context as another program on this thread has it. */
    private static final class Foreign implements AutoCloseable {
        private final CUctx_st context = new CUctx_st();

        Foreign() {
            CudaDevice.count();
            CudaStatus.driver(cudart.cuCtxCreate(context, (CUctxCreateParams) null, 0, 0), "making a context");
        }

        /** Makes the context current before something is done, as if the other program came in between. */
        <T> T before(Supplier<T> done) {
            CudaStatus.driver(cudart.cuCtxSetCurrent(context), "using another context");
            return done.get();
        }

        void beforeRunning(Runnable done) {
            before(() -> {
                done.run();
                return true;
            });
        }

        @Override
        public void close() {
            CudaStatus.driver(cudart.cuCtxDestroy(context), "closing a context");
        }
    }

    @Test
    void anotherContextInBetweenChangesNothing() {
        try (Foreign foreign = new Foreign()) {
            Engine engine = foreign.before(CudaContextTest::open);
            try {
                Tensor a = foreign.before(() -> engine.tensor(new double[] {1, 2, 3, 4}, 2, 2));
                Tensor product = foreign.before(() -> a.matmul(a));
                Tensor sum = foreign.before(product::sum);
                Supplier<HostTensor> behind =
                        foreign.before(() -> engine.backend().memory().downloadBehind(sum.array()));

                assertThat(foreign.before(behind).data().getFloat(0)).isEqualTo(54);
                assertThat(foreign.before(product::toDoubles)).containsExactly(7, 10, 15, 22);
                assertThat(foreign.before(() -> AdamWFunction.norm(engine, List.of(product)))
                                .item())
                        .isCloseTo(Math.sqrt(858), within(1e-4));
            } finally {
                foreign.beforeRunning(engine::close);
            }
        }
    }

    @Test
    void recordingsAndMarksAreMadeInTheirOwnContext() {
        try (Foreign foreign = new Foreign();
                CudaBackend backend = new CudaBackend(BackendOptions.defaults())) {
            Array x = backend.memory().full(Shape.of(1), DType.FLOAT32, 3);
            Array target = backend.elementwise().affine(x, 1, 0);
            GraphCapture recorder = backend.graphCapture().orElseThrow();
            EventTimer stopwatch = backend.eventTimer().orElseThrow();
            EventTimer.Mark start = foreign.before(stopwatch::mark);
            GraphCapture.Recording recording = foreign.before(() -> recorder.record(() ->
                    backend.memory().copyInto(target, backend.elementwise().affine(target, 2, 0))));

            foreign.beforeRunning(recording::replay);
            EventTimer.Mark end = foreign.before(stopwatch::mark);

            assertThat(foreign.before(() -> end.secondsSince(start))).isPositive();
            assertThat(foreign.before(() -> backend.memory().download(target))
                            .data()
                            .getFloat(0))
                    .isEqualTo(6);
            foreign.beforeRunning(recording::close);
            foreign.beforeRunning(start::close);
            foreign.beforeRunning(end::close);
        }
    }

    /** The device's context ends with its last backend, and the next one may lie where it lay. */
    @Test
    void aThreadThatUsedABackendSinceClosedUsesAnother() throws InterruptedException, ExecutionException {
        ExecutorService other = Executors.newSingleThreadExecutor();
        try {
            for (int round = 0; round < 3; round++) {
                try (Engine engine = open()) {
                    assertThat(other.submit(() -> engine.full(2, 65).sum().item())
                                    .get())
                            .isEqualTo(130);
                }
            }
        } finally {
            other.shutdown();
        }
    }
}
