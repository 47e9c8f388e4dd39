package org.mohawk4j.backend.cuda.op.norm;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.mohawk4j.tensor.types.Shape;

/** RMS normalization that saves a rate for each row. */
public final class CudaRmsNorm implements FusedRmsNorm {
    private static final String SOURCE = "op/norm/rms_norm.cu";
    private static final int WARP = 32;

    /** Rows up to this long, such as heads, get a warp, longer ones a block. */
    private static final long SHORT = 512;

    /** Rows that the threads of one take on the way back. */
    private static final long STRETCH = 32;

    /** What the sources add to the weight; where it is kept as its distance from one, that is added before. */
    private static final double OFFSET = 0;

    private final Gpu gpu;

    public CudaRmsNorm(Gpu gpu) {
        this.gpu = gpu;
    }

    /**
     * Rows [rows, width], and the threads that take one.
     *
     * @param lanes how many threads share a row
     */
    private record Rows(long rows, long width, int lanes) {
        static Rows of(CudaArray x) {
            long width = x.shape().dim(-1);
            return new Rows(x.size() / width, width, width <= SHORT ? WARP : CudaKernels.THREADS);
        }

        /** Of so many rows, or stretches of them. */
        long blocks(long count) {
            long each = CudaKernels.THREADS / lanes;
            return (count + each - 1) / each;
        }

        long stretches() {
            return (rows + STRETCH - 1) / STRETCH;
        }
    }

    /** The version for what a thread can keep of a row. */
    private CudaKernels.CudaFunction kernel(String name, Rows rows, CudaArray... arrays) {
        long fours = CudaLayerNorm.keptFours(rows.width(), rows.lanes(), arrays);
        return gpu.source(SOURCE, "FOURS=" + fours, "LANES=" + rows.lanes()).kernel(name);
    }

    @Override
    public Result forward(Array x, Array weight, double epsilon) {
        return forward(Optional.empty(), weight, epsilon, CudaArray.cast(x));
    }

    /** As {@link FusedRmsNorm#forward} of what is given, or of h + a if these two are, which is written to {@code sum}. */
    Result forward(Optional<CudaArray> sum, Array weight, double epsilon, CudaArray... given) {
        CudaArray x = given[0];
        Rows rows = Rows.of(x);
        CudaArray y = gpu.take(gpu.matmul().operands(x.dtype()), x.shape());
        CudaArray scale = gpu.as(ElementType.accumulator(x.dtype()), weight);
        CudaArray rates = gpu.take(scale.dtype(), Shape.of(rows.rows()));
        CudaArray[] arrays = Stream.of(Stream.of(given), Stream.of(scale), sum.stream(), Stream.of(y))
                .flatMap(part -> part)
                .toArray(CudaArray[]::new);
        String name = sum.isPresent()
                ? ElementType.named("residual_rms_norm", x.dtype(), given[1].dtype(), y.dtype())
                : ElementType.named("rms_norm", x.dtype(), y.dtype());
        kernel(name, rows, arrays)
                .overlapping()
                .blocks(
                        rows.blocks(rows.rows()),
                        gpu.arguments()
                                .add(arrays)
                                .add(rates)
                                .add(rows.rows())
                                .add(rows.width())
                                .add(OFFSET)
                                .add(epsilon));
        gpu.release(scale);
        return new Result(y, List.of(rates));
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        CudaArray dx = gpu.take(x.dtype(), x.shape());
        CudaArray ofWeight = gradients(outputGradient, x, weight, saved, Optional.empty(), dx, Optional.empty());
        return new Gradients(dx, ofWeight);
    }

    /**
     * All gradients in one pass.
     *
     * @param saved what the forward pass saved: rates
     * @param other another gradient of x, which is added
     * @param dx receives the gradient of x
     * @param narrow receives it in bfloat16 as well
     * @return the gradient of weight [D]
     */
    CudaArray gradients(
            Array outputGradient,
            Array x,
            Array weight,
            List<Array> saved,
            Optional<CudaArray> other,
            CudaArray dx,
            Optional<CudaArray> narrow) {
        CudaArray in = CudaArray.cast(x);
        CudaArray upstream = CudaArray.cast(outputGradient);
        CudaArray scale = gpu.as(ElementType.accumulator(in.dtype()), weight);
        Rows rows = Rows.of(in);
        CudaArray ofWeight = gpu.take(scale.dtype(), Shape.of(rows.stretches(), rows.width()));
        String name = ElementType.named("rms_norm_gradient", upstream.dtype(), in.dtype());
        kernel(name, rows, upstream, in, scale, other.orElse(in), dx, narrow.orElse(dx))
                .blocks(
                        rows.blocks(rows.stretches()),
                        gpu.arguments()
                                .add(upstream, in, scale, saved.get(0))
                                .add(other)
                                .add(dx)
                                .add(narrow)
                                .add(ofWeight)
                                .add(rows.rows())
                                .add(rows.width())
                                .add(STRETCH)
                                .add(OFFSET));
        gpu.release(scale);
        return gpu.into(weight.dtype(), gpu.reductions().summed(ofWeight, weight.shape()));
    }
}
