package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.SizeTPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.DeviceMemoryException;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** What goes wrong on a GPU, and what must not: memory that runs out or stays behind, broken files, several backends. */
class CudaRobustnessTest implements GpuTest {
    private static final String CACHE = "mohawk.cuda.cache";
    private static final long MEBIBYTE = 1 << 20;
    private static final Shape SHAPE = Shape.of(63, 65);

    private static CudaBackend open() {
        return new CudaBackend(BackendOptions.defaults().withMixed(true));
    }

    private static double firstOf(MemoryOps memory, Array array) {
        HostTensor host = memory.download(array);
        return HostTensors.convert(host, DType.FLOAT64).data().getDouble(0);
    }

    @Test
    void memoryThatRunsOutIsOneLineAndTheBackendGoesOn() {
        try (CudaBackend backend = open()) {
            MemoryOps memory = backend.memory();
            Array small = memory.full(SHAPE, DType.FLOAT32, 3);
            long live = memory.liveBytes();

            assertThatThrownBy(() -> memory.full(Shape.of(1L << 20, 1L << 19), DType.FLOAT32, 0))
                    .isInstanceOf(DeviceMemoryException.class)
                    .hasMessageContainingAll(
                            "out of GPU memory: FLOAT32 [1048576, 524288] needs 2,097,152 MiB",
                            "in use here",
                            " free of ",
                            "accumulate more micro-batches")
                    .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));

            assertThat(memory.liveBytes()).isEqualTo(live);
            Array sum = backend.reductions().sum(small, 0, 1);
            assertThat(firstOf(memory, sum)).isEqualTo(3 * SHAPE.size());
        }
    }

    /** Pieces that are free but too small for what is asked are given back and asked for again as one. */
    @Test
    void whatThePoolKeepsMakesRoomForALargerPiece() {
        try (CudaBackend backend = open()) {
            long[] free = freeAndTotal();
            long piece = free[0] / 10;
            List<Array> pieces = Stream.generate(
                            () -> backend.memory().full(Shape.of(piece / Float.BYTES), DType.FLOAT32, 1))
                    .limit(9)
                    .toList();
            pieces.forEach(backend.memory()::release);

            Array large = backend.memory().full(Shape.of(8 * piece / Float.BYTES), DType.FLOAT32, 2);

            assertThat(backend.memory().liveBytes()).isGreaterThanOrEqualTo(7 * piece);
            backend.memory().release(large);
        }
    }

    private static long[] freeAndTotal() {
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            CudaStatus.driver(cudart.cuMemGetInfo(free, total), "asking for free memory");
            return new long[] {free.get(), total.get()};
        }
    }

    /** What the first backend leaves, such as code that CUDA's libraries load once, no later one adds to. */
    @Test
    void aClosedBackendLeavesNothingOnTheDevice() {
        CudaDevice.count();
        // keeps the device's context, whose own memory would otherwise come and go with the backends
        try (CudaContext context = new CudaContext(CudaDevice.of(0))) {
            long[] free = new long[4];
            for (int round = 0; round < free.length; round++) {
                try (Engine engine = new Engine(open())) {
                    RepeatedOperation.all().forEach(operation -> CudaRepetitionTest.once(engine, operation, true));
                }
                context.use();
                free[round] = freeAndTotal()[0];
            }
            assertThat(free[3]).isGreaterThanOrEqualTo(free[0] - 4 * MEBIBYTE);
        }
    }

    @Test
    void whatARecordingReleasesIsThereForEveryReplay() {
        try (CudaBackend backend = open()) {
            MemoryOps memory = backend.memory();
            GraphCapture recorder = backend.graphCapture().orElseThrow();
            Array target = memory.full(SHAPE, DType.FLOAT32, 0);
            long before = memory.liveBytes();
            memory.release(backend.elementwise().affine(target, 2, 0));
            Array x = memory.full(SHAPE, DType.FLOAT32, 3);

            try (GraphCapture.Recording recording = recorder.record(() -> {
                Array y = backend.elementwise().affine(x, 2, 0);
                memory.copyInto(target, y);
                memory.release(y);
                memory.release(x);
            })) {
                for (int replay = 0; replay < 3; replay++) {
                    recording.replay();
                    assertThat(firstOf(memory, target)).isEqualTo(6);
                    memory.copyInto(target, memory.full(SHAPE, DType.FLOAT32, Double.NaN));
                    before += SHAPE.size() * Float.BYTES;
                }
            }
            assertThat(memory.liveBytes()).isEqualTo(before);
        }
    }

    @Test
    void workThatFailsWhileItIsRecordedLeavesTheBackendAsItWas() {
        try (CudaBackend backend = open()) {
            MemoryOps memory = backend.memory();
            GraphCapture recorder = backend.graphCapture().orElseThrow();
            Array x = memory.full(SHAPE, DType.FLOAT32, 3);
            memory.release(backend.elementwise().affine(x, 2, 0));
            long before = memory.liveBytes();

            assertThatThrownBy(() -> recorder.record(() -> {
                        backend.elementwise().affine(x, 2, 0);
                        throw new IllegalStateException("the work's own");
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the work's own");

            assertThat(memory.liveBytes()).isEqualTo(before);
            Array y = backend.elementwise().affine(x, 2, 0);
            assertThat(firstOf(memory, y)).isEqualTo(6);
            memory.release(y);
            assertThat(memory.liveBytes()).isEqualTo(before);
        }
    }

    @Test
    void aRecordingWithinARecordingIsRefusedAndTheFirstGoesOn() {
        try (CudaBackend backend = open()) {
            MemoryOps memory = backend.memory();
            GraphCapture recorder = backend.graphCapture().orElseThrow();
            Array x = memory.full(SHAPE, DType.FLOAT32, 3);
            memory.release(backend.elementwise().affine(x, 2, 0));

            assertThatThrownBy(() -> recorder.record(() -> recorder.record(() -> {})))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("within a recording");

            Array y = backend.elementwise().affine(x, 2, 0);
            assertThat(firstOf(memory, y)).isEqualTo(6);
        }
    }

    @Test
    void brokenFilesOfTheCacheAreCompiledAnew(@TempDir Path folder) throws IOException, GeneralSecurityException {
        String usual = System.getProperty(CACHE);
        System.setProperty(CACHE, folder.toString());
        try {
            assertThat(tripled()).isEqualTo(9);
            byte[] nonsense = "no machine code\0".getBytes(StandardCharsets.UTF_8);
            byte[] whole = MessageDigest.getInstance("SHA-256").digest(nonsense);
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.write(file, whole);
                    Files.write(file, nonsense, StandardOpenOption.APPEND);
                }
            }
            assertThat(tripled()).as("from whole files without machine code").isEqualTo(9);
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    byte[] code = Files.readAllBytes(file);
                    Files.write(file, Arrays.copyOf(code, code.length / 2));
                }
            }
            assertThat(tripled()).as("from files that were cut off").isEqualTo(9);
        } finally {
            if (usual == null) {
                System.clearProperty(CACHE);
            } else {
                System.setProperty(CACHE, usual);
            }
        }
    }

    private static double tripled() {
        try (CudaBackend backend = open()) {
            Array x = backend.memory().full(SHAPE, DType.FLOAT32, 3);
            return firstOf(backend.memory(), backend.elementwise().affine(x, 3, 0));
        }
    }

    @Test
    void aLaunchThatFailsNamesItsArrays() {
        try (CudaBackend backend = open()) {
            // a grid of more than 65,535 blocks across
            Array q = backend.memory().full(Shape.of(1, 64, 70_000, 32), DType.BFLOAT16, 1);
            assertThatThrownBy(() -> backend.fused(FusedAttention.class)
                            .orElseThrow()
                            .forward(q, q, q, AttentionScores.scaled(1), false))
                    .isInstanceOf(CudaException.class)
                    .hasMessageContaining("attention_forward")
                    .hasMessageContaining("BFLOAT16 [1, 64, 70000, 32]");
        }
    }

    @Test
    void aBackendMovesToAnotherThread() throws InterruptedException, ExecutionException {
        ExecutorService other = Executors.newSingleThreadExecutor();
        try (Engine engine = new Engine(open())) {
            double there = other.submit(() -> engine.full(2, 65, 65)
                            .matmul(engine.full(3, 65, 65))
                            .sum()
                            .item())
                    .get();
            assertThat(there)
                    .isEqualTo(engine.full(2, 65, 65)
                            .matmul(engine.full(3, 65, 65))
                            .sum()
                            .item());
        } finally {
            other.shutdown();
        }
    }

    @Test
    void backendsOnSeveralDevicesTakeTurnsOnOneThread() {
        BackendOptions options = BackendOptions.defaults().withMixed(true);
        int second = CudaDevice.count() - 1;
        HostArray values = HostArray.random(Shape.of(65, 65), 1);
        try (Engine one = new Engine(new CudaBackend(options));
                Engine other = new Engine(new CudaBackend(options.withDevice(second)))) {
            Tensor x = one.tensor(values.toHostTensor(), DType.FLOAT32);
            Tensor y = other.tensor(values.toHostTensor(), DType.FLOAT32);
            for (int turn = 0; turn < 3; turn++) {
                x = x.matmul(x).softmax();
                y = y.matmul(y).softmax();
            }
            assertThat(HostArray.of(x.toHost()).values())
                    .isEqualTo(HostArray.of(y.toHost()).values());
        }
    }
}
