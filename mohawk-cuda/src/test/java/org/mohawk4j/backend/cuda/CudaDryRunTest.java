package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.backend.DeviceModel;
import org.mohawk4j.backend.DryRun;
import org.mohawk4j.backend.DryRun.Allocation;
import org.mohawk4j.backend.DryRun.Launch;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** The backend without a device, on machines that have none. */
class CudaDryRunTest {
    private static final DeviceModel DEVICE = new DeviceModel("some GPU", 9, 0, 132, 1_980_000, 227 << 10, 141L << 30);

    private final Engine engine =
            new Engine(Backends.openDry("cuda", BackendOptions.defaults().withMixed(true), DEVICE));
    private final DryRun dry = engine.backend().dryRun().orElseThrow();

    @AfterEach
    void close() {
        engine.close();
    }

    private List<Launch> launches(String name) {
        return dry.launches().stream()
                .filter(launch -> launch.name().startsWith(name))
                .toList();
    }

    @Test
    void memoryThatNoMachineHasIsCounted() {
        long before = engine.backend().memory().liveBytes();
        try (Scope scope = engine.scope()) {
            engine.zeros(1L << 20, 1L << 20);
            assertThat(engine.backend().memory().liveBytes() - before).isEqualTo(1L << 42);
        }
        assertThat(engine.backend().memory().liveBytes()).isEqualTo(before);
        assertThat(engine.backend().memory().peakBytes() - before).isEqualTo(1L << 42);
    }

    @Test
    void thePeakIsWhatWasInUseThen() {
        try (Scope scope = engine.scope()) {
            engine.zeros(100);
            try (Scope inner = engine.scope()) {
                engine.zeros(1000);
                engine.zeros(200);
            }
            engine.zeros(300);
        }
        assertThat(dry.peak()).extracting(Allocation::shape).contains(Shape.of(100), Shape.of(1000), Shape.of(200));
        assertThat(dry.peak()).extracting(Allocation::shape).doesNotContain(Shape.of(300));
        dry.startPeak();
        try (Scope scope = engine.scope()) {
            engine.zeros(300);
        }
        assertThat(dry.peak())
                .extracting(Allocation::shape)
                .contains(Shape.of(300))
                .doesNotContain(Shape.of(1000));
    }

    @Test
    void aProductCountsItsOperationsAndBytesAndNothingIsComputed() {
        Tensor product = engine.full(1, 64, 128)
                .cast(DType.BFLOAT16)
                .matmul(engine.full(1, 128, 32).cast(DType.BFLOAT16));
        Launch launch = launches("64x32x128").get(0);
        assertThat(launch.product()).isTrue();
        assertThat(launch.operations()).isEqualTo(2.0 * 64 * 32 * 128);
        assertThat(launch.bytes()).isEqualTo(2 * (64 * 128 + 128 * 32 + 64 * 32));
        assertThat(product.toDoubles()).containsOnly(0);
    }

    @Test
    void fusedOperationsRunAsOnADevice() {
        Tensor x = engine.zeros(2, 1024, 64);
        Tensor weight = engine.zeros(64, 64);
        try (Tape tape = engine.tape(List.of(weight))) {
            Tensor q = LinearFunction.apply(x, weight, Optional.empty(), Activation.NONE)
                    .cast(DType.BFLOAT16)
                    .reshape(2, 1024, 1, 64);
            Tensor loss = AttentionFunction.apply(q, q, q, AttentionScores.scaled(0.125))
                    .sum();
            assertThat(tape.gradients(loss).of(weight)).isPresent();
        }
        double pairs = 2.0 * 1024 * 1024 / 2;
        assertThat(launches("attention_forward").get(0).operations()).isEqualTo(2 * pairs * 128);
        assertThat(launches("attention_backward_kv").get(0).operations()).isEqualTo(2 * pairs * 256);
        assertThat(launches("attention_backward_q").get(0).operations()).isEqualTo(2 * pairs * 192);
    }

    @Test
    void aRelativeDistanceAndItsGradientAreOneLaunch() {
        Tensor teacher = engine.zeros(4, 8, 64);
        Tensor student = engine.zeros(4, 8, 64);
        try (Tape tape = engine.tape(List.of(student))) {
            assertThat(tape.gradients(DistanceFunction.relative(teacher, student))
                            .of(student))
                    .isPresent();
        }
        // both read, the gradient and a loss for each row written
        assertThat(launches("relative_distance"))
                .singleElement()
                .extracting(Launch::bytes)
                .isEqualTo(4L * (3 * 4 * 8 * 64 + 4 * 8));
    }

    @Test
    void theOptimizerMovesSevenNumbersForEachParameter() {
        Tensor value = engine.zeros(1024, 1024);
        AdamWFunction.Slot slot = new AdamWFunction.Slot(
                value,
                engine.zeros(1024, 1024),
                engine.zeros(1024, 1024),
                engine.zeros(1024, 1024),
                List.of(new AdamWFunction.Part(1 << 20, 1, 0)));
        AdamWFunction.update(
                engine, List.of(slot), engine.full(1), new AdamWFunction.Hyperparameters(1e-3, 0.9, 0.95, 1e-8, 1));
        assertThat(launches("adamw").get(0).bytes()).isBetween(7L << 22, (7L << 22) + 1024);
    }

    @Test
    void aBackendThatNeedsItsDeviceIsNotPlannedFor() {
        assertThatThrownBy(() -> Backends.openDry("nd4j", BackendOptions.defaults(), DEVICE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("nd4j");
    }
}
