package org.mohawk4j.backend.cuda.op.distance;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.tensor.types.Shape;

/** The loss of stage 2 with its gradient in one launch, a block for each row. */
public final class CudaDistance implements FusedDistance {
    private static final String SOURCE = "op/distance/distance.cu";

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaReductions reductions;
    private final Conversions conversions;

    public CudaDistance(CudaPool pool, CudaKernels kernels, CudaReductions reductions, Conversions conversions) {
        this.pool = pool;
        this.kernels = kernels;
        this.reductions = reductions;
        this.conversions = conversions;
    }

    @Override
    public Result forward(Array teacher, Array student, boolean gradient) {
        CudaArray s = CudaArray.cast(student);
        CudaArray t = conversions.as(s.dtype(), teacher);
        long width = s.shape().dim(-1);
        long rows = s.size() / width;
        CudaArray losses = pool.take(ElementType.accumulator(s.dtype()), Shape.of(rows));
        Optional<CudaArray> ofStudent = gradient ? Optional.of(pool.take(s.dtype(), s.shape())) : Optional.empty();
        kernels.get(SOURCE, "distance", s.dtype())
                .launch(
                        rows,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(t)
                                .add(s)
                                .add(losses)
                                .add(ofStudent)
                                .add(width));
        pool.release(t);
        return new Result(reductions.summed(losses, Shape.of()), ofStudent.map(Array.class::cast));
    }
}
