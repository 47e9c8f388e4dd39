package org.mohawk4j.backend.cuda.op.linear;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Descriptors of operations, on a device that is not there. */
class ProjectionTest {
    private static final int WEIGHT_OF_FIRST = Operation.HEADER;
    private static final int EARLY = 2;

    private final Gpu gpu =
            new Gpu(new CudaDevice(0, "some GPU", 9, 0, 132, 1_980_000, 227 << 10), new DryDevice(), true, true);
    private final CudaArray h = gpu.take(DType.FLOAT32, Shape.of(1, 8));
    private final Projection.Part mixer = part(16);
    private final Projection.Part mlp = part(32);
    private final Projection sum =
            new Projection(Projection.Form.SUMMED, List.of(mixer, mlp), Optional.of(h), Optional.empty());

    private Projection.Part part(long width) {
        CudaArray weight = gpu.take(DType.BFLOAT16, Shape.of(8, width));
        CudaArray x = gpu.take(DType.BFLOAT16, Shape.of(1, width));
        return new Projection.Part(weight, Optional.empty(), Optional.of(x), h, 0);
    }

    private static CudaPool.Block input(Projection.Part part) {
        return part.x().orElseThrow().block();
    }

    @AfterEach
    void close() {
        gpu.close();
    }

    @Test
    void mapsOfASumThatNeedNotWaitComeFirst() {
        long[] fields = sum.fields(Set.of(input(mixer)), 0);

        assertThat(fields[EARLY]).isEqualTo(1);
        assertThat(fields[WEIGHT_OF_FIRST]).isEqualTo(mlp.weight().address());
    }

    @Test
    void nothingIsEarlyIfAllMapsTakeThePreviousOutputs() {
        long[] fields = sum.fields(Set.of(input(mixer), input(mlp)), 0);

        assertThat(fields[EARLY]).isZero();
        assertThat(fields[WEIGHT_OF_FIRST]).isEqualTo(mixer.weight().address());
    }

    /** It waits for the kernels before the launch, which may have written any input. */
    @Test
    void nothingIsEarlyInTheFirstOperationOfALaunch() {
        assertThat(sum.fields(Set.of(), 0)[EARLY]).isZero();
    }

    @Test
    void aFieldTellsHowManyMapsComeBefore() {
        assertThat(sum.fields(Set.of(), 5)[3]).isEqualTo(5);
        assertThat(sum.maps()).isEqualTo(2);
    }
}
