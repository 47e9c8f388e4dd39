package org.mohawk4j.backend.cuda.op.distance;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.op.loss.DistanceFunction.FusedRelativeDistance;
import org.mohawk4j.tensor.types.Shape;

/** Distances with their gradient in one launch, a block for each row. */
public final class CudaDistance implements FusedDistance {
    private static final String SOURCE = "op/distance/distance.cu";

    private final Gpu gpu;

    public CudaDistance(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Result forward(Array teacher, Array student, boolean gradient) {
        return forward("distance", teacher, student, gradient);
    }

    /** Each row's distance divided by the norm of the teacher's row. */
    public FusedRelativeDistance relative() {
        return (teacher, student, gradient) -> forward("relative_distance", teacher, student, gradient);
    }

    private Result forward(String kernel, Array teacher, Array student, boolean gradient) {
        CudaArray s = CudaArray.cast(student);
        CudaArray t = gpu.as(s.dtype(), teacher);
        long width = s.shape().dim(-1);
        long rows = s.size() / width;
        CudaArray losses = gpu.take(ElementType.accumulator(s.dtype()), Shape.of(rows));
        Optional<CudaArray> ofStudent = gradient ? Optional.of(gpu.take(s.dtype(), s.shape())) : Optional.empty();
        gpu.kernel(SOURCE, kernel, s.dtype())
                .blocks(rows, gpu.arguments().add(t, s, losses).add(ofStudent).add(width));
        gpu.release(t);
        return new Result(gpu.reductions().summed(losses, Shape.of()), ofStudent.map(Array.class::cast));
    }
}
