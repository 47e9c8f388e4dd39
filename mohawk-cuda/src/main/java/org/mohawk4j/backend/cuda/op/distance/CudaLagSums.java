package org.mohawk4j.backend.cuda.op.distance;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.LagSumsFunction.FusedLagSums;
import org.mohawk4j.tensor.types.Shape;

/** Sums along diagonals: a thread for each lag of a stretch of rows, whose sums are added up after that. */
public final class CudaLagSums implements FusedLagSums {
    private static final String SOURCE = "op/distance/lag_sums.cu";
    private static final int SIZES = 2;

    private final Gpu gpu;

    public CudaLagSums(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array ofMatrix(Array matrix, Array scores, int shifts) {
        CudaArray a = CudaArray.cast(matrix);
        return sums("lag_sums_matrix", gpu.arguments().add(a, CudaArray.cast(scores)), a, 2L + shifts, shifts);
    }

    @Override
    public Array ofScores(Array scores, int shifts) {
        CudaArray s = CudaArray.cast(scores);
        return sums("lag_sums_scores", gpu.arguments().add(s), s, shifts + shifts * (shifts + 1L) / 2, shifts);
    }

    private Array sums(String kernel, KernelArguments arguments, CudaArray of, long count, int shifts) {
        int[] sizes = gpu.source(SOURCE).constants("lagSumsSizes", SIZES);
        if (shifts > sizes[0]) {
            throw new IllegalArgumentException("shifts: expected at most " + sizes[0] + ", got " + shifts);
        }
        long time = of.shape().dim(-1);
        long stretches = of.size() / (time * time) * ((time + sizes[1] - 1) / sizes[1]);
        CudaArray parts = gpu.take(of.dtype(), Shape.of(stretches, count, time));
        gpu.kernel(SOURCE, kernel, of.dtype())
                .launch(
                        (time + CudaKernels.THREADS - 1) / CudaKernels.THREADS,
                        stretches,
                        CudaKernels.THREADS,
                        0,
                        arguments.add(parts).add(time).add(shifts));
        return gpu.reductions().summed(parts, Shape.of(count, time));
    }
}
