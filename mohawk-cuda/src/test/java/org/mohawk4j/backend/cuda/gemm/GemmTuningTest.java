package org.mohawk4j.backend.cuda.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.cuda.GpuTest;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.memory.AsyncDownloads;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Which of several algorithms is taken, for algorithms whose bits and speed are known. */
class GemmTuningTest implements GpuTest {
    private static final Shape SHAPE = Shape.of(4096, 4096);
    private static final int SLOW = 40;

    private final CloseStack closing = new CloseStack();
    private final Given given = new Given();
    private CudaPool pool;
    private CudaMemory memory;
    private GemmTuning tuning;
    private CudaArray ones;
    private CudaArray result;

    /** Some algorithms for a product that is worth choosing for. */
    private static final class Given implements GemmTuning.Choice {
        private int decided = -1;

        @Override
        public long multiplications() {
            return Long.MAX_VALUE;
        }

        @Override
        public int algorithms() {
            return 4;
        }

        @Override
        public void decide(int index) {
            decided = index;
        }
    }

    @BeforeEach
    void open() {
        CudaContext context = new CudaContext(CudaDevice.of(0));
        closing.add(context::close);
        pool = new CudaPool(context);
        closing.add(pool::close);
        CudaKernels kernels = new CudaKernels(context);
        closing.add(kernels::close);
        AsyncDownloads downloads = new AsyncDownloads(context);
        closing.add(downloads::close);
        memory = new CudaMemory(context, pool, kernels, downloads);
        tuning = new GemmTuning(context, pool, kernels);
        ones = CudaArray.cast(memory.full(SHAPE, DType.FLOAT32, 1));
        result = CudaArray.cast(memory.full(SHAPE, DType.FLOAT32, 0));
    }

    @AfterEach
    void close() {
        closing.close();
    }

    /** Of ones all four are the same; the second is the fastest, and right for nothing else. */
    @Test
    void whatAgreesOnTheNumbersAtHandAloneIsNotTaken() {
        tuning.choose(given, ones, ones, result, (a, b) -> {
            switch (given.decided) {
                case 0 -> {
                    for (int i = 0; i < SLOW; i++) {
                        memory.copyInto(result, a);
                    }
                }
                case 1 -> memory.fill(result, 1);
                case 2 -> memory.copyInto(result, b);
                default -> memory.copyInto(result, a);
            }
        });

        assertThat(given.decided).isEqualTo(3);
    }

    @Test
    void whereTheFirstDoesNotRepeatItselfItIsTaken() {
        int[] runs = new int[1];

        tuning.choose(given, ones, ones, result, (a, b) -> {
            if (given.decided == 0) {
                for (int i = 0; i < SLOW; i++) {
                    memory.fill(result, runs[0] + i);
                }
                runs[0]++;
            } else {
                // what the first gave first
                memory.fill(result, SLOW - 1);
            }
        });

        assertThat(given.decided).isZero();
    }

    @Test
    void whereThereIsNoRoomForOtherOperandsTheFirstIsTaken() {
        CudaArray tooLarge = new CudaArray(ones.block(), ones.address(), DType.FLOAT32, Shape.of(1L << 42));
        long live = pool.liveBytes();

        tuning.choose(given, ones, tooLarge, result, (a, b) -> memory.copyInto(result, a));

        assertThat(given.decided).isZero();
        assertThat(pool.liveBytes()).isEqualTo(live);
    }

    @Test
    void whatGivesNothingButZerosIsNotCompared() {
        tuning.choose(given, ones, ones, result, (a, b) -> {
            for (int i = 0; i < (given.decided == 0 ? SLOW : 1); i++) {
                memory.fill(result, 0);
            }
        });

        assertThat(given.decided).isZero();
    }
}
