package org.mohawk4j.backend.cuda.op.linear;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.glu.GatedMlpFunction.FusedGatedMlp;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A gated MLP in bfloat16, all of which is trained: gate and up are one matrix, so that each product of theirs, and the sum
 * of what they pass back, is one. Saves both weights as they were multiplied, what went into the unit and what came out of
 * it.
 */
public final class CudaGatedMlp implements FusedGatedMlp {
    private final Gpu gpu;
    private final CudaGlu glu;

    public CudaGatedMlp(Gpu gpu, CudaGlu glu) {
        this.gpu = gpu;
        this.glu = glu;
    }

    @Override
    public boolean supports(Array input, Operands weights, Activation activation) {
        return input.dtype() == DType.BFLOAT16
                && CudaGlu.fitsRows(weights.gate().shape().dim(0));
    }

    @Override
    public Result forward(Array input, Operands weights, Activation activation) {
        CudaArray x = CudaArray.cast(input);
        CudaArray first = gpu.memory().joined(x.dtype(), weights.gate(), weights.up());
        CudaArray second = gpu.parameter(x.dtype(), weights.down(), true);
        CudaArray both = gpu.matmul().product(x, false, first, true, x.dtype());
        CudaArray hidden = glu.ofRows(both, activation);
        CudaArray y = gpu.matmul().product(hidden, false, second, true, x.dtype());
        return new Result(y, List.of(first, second, both, hidden));
    }

    @Override
    public Gradients backward(Array outputGradient, Array input, List<Array> saved, Activation activation) {
        CudaArray x = CudaArray.cast(input);
        CudaArray first = CudaArray.cast(saved.get(0));
        CudaArray second = CudaArray.cast(saved.get(1));
        CudaArray both = CudaArray.cast(saved.get(2));
        CudaArray hidden = CudaArray.cast(saved.get(3));
        CudaArray upstream = gpu.as(x.dtype(), outputGradient);
        DType sums = ElementType.accumulator(x.dtype());
        CudaArray ofSecond = gpu.matmul().product(upstream, true, hidden, false, sums);
        CudaArray ofHidden = gpu.matmul().product(upstream, false, second, false, x.dtype());
        gpu.release(upstream);
        CudaArray ofBoth = glu.gradientOfRows(ofHidden, both, activation);
        gpu.release(ofHidden);
        CudaArray dx = gpu.matmul().product(ofBoth, false, first, false, x.dtype());
        CudaArray ofFirst = gpu.matmul().product(ofBoth, true, x, false, sums);
        gpu.release(ofBoth);
        Shape each = ofFirst.shape().with(0, ofFirst.shape().dim(0) / 2);
        CudaArray ofGate = gpu.view(ofFirst, 0, each);
        CudaArray ofUp = gpu.view(ofFirst, each.size(), each);
        gpu.release(ofFirst);
        return new Gradients(dx, ofGate, ofUp, ofSecond);
    }
}
