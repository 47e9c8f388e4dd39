package org.mohawk4j.backend.cuda.op.linear;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.linear.Projection.Form;
import org.mohawk4j.backend.cuda.op.linear.Projection.Part;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.NormedLinearsFunction.Norm;
import org.mohawk4j.op.SummedLinearsFunction.FusedSummedLinears;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.op.glu.NormedGluFunction.FusedNormedGlu;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Linear maps of so few rows that reading their weights is all they cost, in bfloat16: {@code projections.cu}. A block of
 * generation is a few such operations, which {@link PersistentLaunch} puts together.
 */
public final class CudaProjections implements FusedNormedLinears, FusedNormedGlu, FusedSummedLinears {
    private static final int VECTOR_BYTES = 16;
    private static final long VECTOR = VECTOR_BYTES / 2;

    /** Maps of a sum. */
    private static final int MOST_TERMS = 2;

    private final Gpu gpu;
    private final PersistentLaunch launch;

    public CudaProjections(Gpu gpu, PersistentLaunch launch) {
        this.gpu = gpu;
        this.launch = launch;
    }

    /**
     * Whether {@link #product} can be asked for. The weight is one that lay there before: it is read ahead, while the
     * launch before this one still runs.
     */
    boolean supports(CudaArray x, CudaArray weight, Optional<Array> bias) {
        return isRow(x) && isReadable(weight, bias) && fits(x.shape().dim(0), List.of(weight), Form.STACKED);
    }

    @Override
    public boolean supports(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps) {
        return supports(x, norm, maps, Form.NORMED);
    }

    @Override
    public boolean supports(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up) {
        return gate.weight().shape().equals(up.weight().shape())
                && up.activation() == Activation.NONE
                && supports(x, norm, List.of(gate, up), Form.GATED);
    }

    private boolean supports(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps, Form form) {
        return x.dtype() == DType.FLOAT32
                && norm.weight().dtype() == DType.FLOAT32
                && norm.bias().filter(b -> b.dtype() != DType.FLOAT32).isEmpty()
                && CudaArray.cast(x).address() % VECTOR_BYTES == 0
                && x.shape().dim(1) <= launch.sizes().mostNormed()
                && maps.stream().allMatch(CudaProjections::isReadable)
                && fits(
                        x.shape().dim(0),
                        maps.stream().map(CudaProjections::weight).toList(),
                        form);
    }

    @Override
    public boolean supports(Array h, List<Term.Arrays> terms) {
        return h.dtype() == DType.FLOAT32
                && terms.size() <= MOST_TERMS
                && terms.stream()
                        .allMatch(term -> isRow(CudaArray.cast(term.x()))
                                && term.map().activation() == Activation.NONE
                                && isReadable(term.map()))
                && fits(
                        h.shape().dim(0),
                        terms.stream().map(term -> weight(term.map())).toList(),
                        Form.SUMMED);
    }

    private static CudaArray weight(LinearMap.Arrays map) {
        return CudaArray.cast(map.weight());
    }

    private static boolean isRow(CudaArray x) {
        return x.dtype() == DType.BFLOAT16 && x.address() % VECTOR_BYTES == 0;
    }

    private static boolean isReadable(LinearMap.Arrays map) {
        return isReadable(weight(map), map.bias());
    }

    /** In bfloat16 already, since to round a weight first costs more than to read it, and in whole vectors. */
    private static boolean isReadable(CudaArray weight, Optional<Array> bias) {
        return weight.dtype() == DType.BFLOAT16
                && weight.shape().dim(1) % VECTOR == 0
                && weight.address() % VECTOR_BYTES == 0
                && bias.filter(b -> b.dtype() != DType.FLOAT32).isEmpty();
    }

    /** Whether the shapes fit; where outputs lie makes no difference. */
    private boolean fits(long rows, List<CudaArray> weights, Form form) {
        // first what rules out nearly all products of training, at no cost
        if (rows > launch.sizes().mostRows() || weights.size() > launch.sizes().mostMaps()) {
            return false;
        }
        List<Part> parts = weights.stream()
                .map(weight -> new Part(weight, Optional.empty(), Optional.empty(), weight, 0))
                .toList();
        return launch.fits(new Projection(form, parts, Optional.empty(), Optional.empty()), rows);
    }

    /** {@code activation(x weightᵀ + bias)} in a type, float32 or bfloat16. */
    CudaArray product(CudaArray x, CudaArray weight, Optional<Array> bias, int activation, DType result) {
        long rows = x.shape().dim(0);
        CudaArray y = gpu.take(result, Shape.of(rows, weight.shape().dim(0)));
        Part part = new Part(weight, bias, Optional.of(x), y, activation);
        launch.add(new Projection(Form.STACKED, List.of(part), Optional.empty(), Optional.empty()), rows);
        return y;
    }

    @Override
    public List<Array> forward(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps, DType result) {
        CudaArray in = CudaArray.cast(x);
        long rows = in.shape().dim(0);
        List<Part> parts = new ArrayList<>();
        for (LinearMap.Arrays map : maps) {
            CudaArray weight = CudaArray.cast(map.weight());
            CudaArray y = gpu.take(result, Shape.of(rows, weight.shape().dim(0)));
            parts.add(new Part(weight, map.bias(), Optional.empty(), y, CudaLinear.code(map.activation())));
        }
        launch.add(new Projection(Form.NORMED, parts, Optional.of(in), Optional.of(norm)), rows);
        return parts.stream().<Array>map(Part::y).toList();
    }

    @Override
    public Array forward(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up) {
        CudaArray in = CudaArray.cast(x);
        long rows = in.shape().dim(0);
        CudaArray opening = weight(gate);
        CudaArray y = gpu.take(DType.BFLOAT16, Shape.of(rows, opening.shape().dim(0)));
        int activation = CudaLinear.code(gate.activation());
        List<Part> parts = List.of(
                new Part(opening, gate.bias(), Optional.empty(), y, activation),
                new Part(weight(up), up.bias(), Optional.empty(), y, CudaLinear.code(Activation.NONE)));
        launch.add(new Projection(Form.GATED, parts, Optional.of(in), Optional.of(norm)), rows);
        return y;
    }

    @Override
    public Array forward(Array h, List<Term.Arrays> terms) {
        CudaArray stream = CudaArray.cast(h);
        CudaArray y = gpu.take(stream.dtype(), stream.shape());
        List<Part> parts = terms.stream()
                .map(term ->
                        new Part(weight(term.map()), term.map().bias(), Optional.of(CudaArray.cast(term.x())), y, 0))
                .toList();
        launch.add(
                new Projection(Form.SUMMED, parts, Optional.of(stream), Optional.empty()),
                stream.shape().dim(0));
        return y;
    }
}
