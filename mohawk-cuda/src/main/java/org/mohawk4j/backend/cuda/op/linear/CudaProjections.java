package org.mohawk4j.backend.cuda.op.linear;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.Gpu;
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
 * generation is two of its launches and what lies between them.
 */
public final class CudaProjections implements FusedNormedLinears, FusedNormedGlu, FusedSummedLinears {
    private static final String SOURCE = "op/linear/projections.cu";
    private static final long MOST_ROWS = 4;
    private static final int VECTOR_BYTES = 16;
    private static final long VECTOR = VECTOR_BYTES / 2;
    private static final int PART_FIELDS = 8;

    private final Gpu gpu;
    private @Nullable Sizes sizes;
    private @Nullable CudaArray progress;

    /** What the last normalized maps give, until a sum has taken some of it. */
    private Set<CudaPool.Block> underWay = Set.of();

    /** {@link CudaContext#breaks} when that was last known to be what the device has done. */
    private long breaks;

    public CudaProjections(Gpu gpu) {
        this.gpu = gpu;
    }

    /** What {@code projections.cu} says of itself. */
    private record Sizes(int threads, long piece, long ringBytes, int mostMaps, long mostNormed) {}

    /** Read once, when the source is first asked for. */
    private Sizes sizes() {
        Sizes known = sizes;
        if (known == null) {
            int[] read = gpu.source(SOURCE).constants("projectionSizes", 5);
            known = new Sizes(read[0], read[1], read[2], read[3], read[4]);
            sizes = known;
        }
        return known;
    }

    /** The kernels of the source, by what they are called there. */
    private enum Form {
        /** Maps of rows as they are. */
        STACKED("stacked", false, false),
        /** Maps of normalized rows. */
        NORMED("normed", false, false),
        /** Two of normalized rows, multiplied. */
        GATED("gated", true, false),
        /** Maps of rows each, added up. */
        SUMMED("summed", true, true);

        private final String kernel;

        /** Whether each output is of a row of every weight, instead of one's. */
        private final boolean byRow;

        /** Whether each map has an x of its own. */
        private final boolean ownInputs;

        Form(String kernel, boolean byRow, boolean ownInputs) {
            this.kernel = kernel;
            this.byRow = byRow;
            this.ownInputs = ownInputs;
        }
    }

    /** One map as the source has it. */
    private record Part(CudaArray weight, Optional<Array> bias, Optional<CudaArray> x, CudaArray y, int activation) {}

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
                && x.shape().dim(1) <= sizes().mostNormed()
                && maps.stream().allMatch(CudaProjections::isReadable)
                && fits(
                        x.shape().dim(0),
                        maps.stream().map(CudaProjections::weight).toList(),
                        form);
    }

    @Override
    public boolean supports(Array h, List<Term.Arrays> terms) {
        return h.dtype() == DType.FLOAT32
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

    private boolean fits(long rows, List<CudaArray> weights, Form form) {
        return rows <= MOST_ROWS
                && weights.size() <= sizes().mostMaps()
                && sharedBytes(rows, weights, form) <= gpu.device().sharedBytes();
    }

    /** Ring, rows of x, and a sum for each piece that a block takes. */
    private long sharedBytes(long rows, List<CudaArray> weights, Form form) {
        long pieces = weights.stream()
                .limit(form.byRow ? weights.size() : 1)
                .mapToLong(w -> pieces(w.shape().dim(1)))
                .sum();
        long each = (outputs(weights, form) + gpu.device().multiprocessors() - 1)
                / gpu.device().multiprocessors();
        return sizes().ringBytes()
                + rows * width(weights, form) * Short.BYTES
                + each * pieces * variant(rows) * Float.BYTES;
    }

    private long pieces(long width) {
        return (width + sizes().piece() - 1) / sizes().piece();
    }

    private static long outputs(List<CudaArray> weights, Form form) {
        return form.byRow
                ? weights.get(0).shape().dim(0)
                : weights.stream().mapToLong(w -> w.shape().dim(0)).sum();
    }

    /** Of all x's that a row has. */
    private static long width(List<CudaArray> weights, Form form) {
        return weights.stream()
                .limit(form.ownInputs ? weights.size() : 1)
                .mapToLong(w -> w.shape().dim(1))
                .sum();
    }

    private static long variant(long rows) {
        return rows == 1 ? 1 : MOST_ROWS;
    }

    /** {@code activation(x weightᵀ + bias)} in a type, float32 or bfloat16. */
    CudaArray product(CudaArray x, CudaArray weight, Optional<Array> bias, int activation, DType result) {
        long rows = x.shape().dim(0);
        CudaArray y = gpu.take(result, Shape.of(rows, weight.shape().dim(0)));
        Part part = new Part(weight, bias, Optional.of(x), y, activation);
        launch(Form.STACKED, List.of(part), 0, Optional.empty(), Optional.empty(), rows);
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
        launchNormed(Form.NORMED, parts, in, norm);
        return parts.stream().<Array>map(Part::y).toList();
    }

    @Override
    public Array forward(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up) {
        CudaArray in = CudaArray.cast(x);
        CudaArray opening = weight(gate);
        CudaArray y = gpu.take(
                DType.BFLOAT16, Shape.of(in.shape().dim(0), opening.shape().dim(0)));
        int activation = CudaLinear.code(gate.activation());
        List<Part> parts = List.of(
                new Part(opening, gate.bias(), Optional.empty(), y, activation),
                new Part(weight(up), up.bias(), Optional.empty(), y, CudaLinear.code(Activation.NONE)));
        launchNormed(Form.GATED, parts, in, norm);
        return y;
    }

    private void launchNormed(Form form, List<Part> parts, CudaArray x, Norm.Arrays norm) {
        clearProgress();
        launch(form, parts, 0, Optional.of(x), Optional.of(norm), x.shape().dim(0));
        underWay = parts.stream().map(part -> part.y().block()).collect(Collectors.toSet());
    }

    /** What the last normalized maps gave is taken as soon as it is there, whatever else was launched meanwhile. */
    @Override
    public Array forward(Array h, List<Term.Arrays> terms) {
        CudaArray stream = CudaArray.cast(h);
        CudaArray y = gpu.take(stream.dtype(), stream.shape());
        List<Part> early = new ArrayList<>();
        List<Part> late = new ArrayList<>();
        for (Term.Arrays term : terms) {
            CudaArray x = CudaArray.cast(term.x());
            Part part = new Part(weight(term.map()), term.map().bias(), Optional.of(x), y, 0);
            (underWay.contains(x.block()) ? early : late).add(part);
        }
        int count = early.size();
        early.addAll(late);
        launch(
                Form.SUMMED,
                early,
                count,
                Optional.of(stream),
                Optional.empty(),
                stream.shape().dim(0));
        underWay = Set.of();
        return y;
    }

    /**
     * For the launch that comes, if no sum has done it since the last. A recording clears for itself, whatever came before
     * it, and so does what comes after one, whether it was replayed or failed.
     */
    private void clearProgress() {
        CudaArray held = progress;
        if (held == null) {
            progress = gpu.memory().full(Shape.of(2), DType.INT32, 0);
        } else if (!underWay.isEmpty() || breaks != gpu.context().breaks()) {
            gpu.memory().fill(held, 0);
        }
        breaks = gpu.context().breaks();
    }

    private void launch(
            Form form, List<Part> parts, int early, Optional<CudaArray> h, Optional<Norm.Arrays> norm, long rows) {
        List<CudaArray> weights = parts.stream().map(Part::weight).toList();
        long[] fields = new long[sizes().mostMaps() * PART_FIELDS];
        for (int i = 0; i < parts.size(); i++) {
            put(fields, i * PART_FIELDS, parts.get(i));
        }
        gpu.source(SOURCE)
                .kernel(form.kernel + "_" + variant(rows))
                .overlapping()
                .launch(
                        gpu.device().multiprocessors(),
                        1,
                        sizes().threads(),
                        Math.toIntExact(sharedBytes(rows, weights, form)),
                        gpu.arguments()
                                .addStruct(fields)
                                .add(parts.size())
                                .add(early)
                                .add(h)
                                .add(norm.map(Norm.Arrays::weight))
                                .add(norm.flatMap(Norm.Arrays::bias))
                                .add(norm.map(Norm.Arrays::epsilon).orElse(0.0))
                                .add(Optional.ofNullable(progress))
                                .add(rows)
                                .add(outputs(weights, form))
                                .add(width(weights, form)));
    }

    private static void put(long[] fields, int at, Part part) {
        fields[at] = part.weight().address();
        fields[at + 1] = part.bias().map(bias -> CudaArray.cast(bias).address()).orElse(0L);
        fields[at + 2] = part.x().map(CudaArray::address).orElse(0L);
        fields[at + 3] = part.y().address();
        fields[at + 4] = part.weight().shape().dim(0);
        fields[at + 5] = part.weight().shape().dim(1);
        fields[at + 6] = part.activation();
        fields[at + 7] = part.y().dtype() == DType.FLOAT32 ? 1 : 0;
    }
}
