package org.mohawk4j.backend.cuda.op.linear;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.op.NormedLinearsFunction.Norm;
import org.mohawk4j.tensor.types.DType;

/**
 * Linear maps of few rows.
 *
 * @param h what is normalized, or added to
 */
record Projection(Form form, List<Part> parts, Optional<CudaArray> h, Optional<Norm.Arrays> norm) implements Operation {
    private static final int PART_FIELDS = 8;

    /** The numbers of {@code projections.cu}. */
    enum Form {
        /** Maps of rows as they are. */
        STACKED(0),
        /** Maps of normalized rows. */
        NORMED(1),
        /** Two of normalized rows, multiplied. */
        GATED(2),
        /** Maps of rows each, added up. */
        SUMMED(3);

        private final int code;

        Form(int code) {
            this.code = code;
        }

        /** Whether each output is of a row of every weight, instead of one's. */
        private boolean byRow() {
            return this == GATED || this == SUMMED;
        }
    }

    /** One map as the source has it; x where it is not a normalized row. */
    record Part(CudaArray weight, Optional<Array> bias, Optional<CudaArray> x, CudaArray y, int activation) {
        private long outputs() {
            return weight.shape().dim(0);
        }

        private long width() {
            return weight.shape().dim(1);
        }

        private boolean takes(Set<CudaPool.Block> blocks) {
            return x.filter(given -> blocks.contains(given.block())).isPresent();
        }

        private void put(long[] fields, int at) {
            fields[at] = weight.address();
            fields[at + 1] = bias.map(b -> CudaArray.cast(b).address()).orElse(0L);
            fields[at + 2] = x.map(CudaArray::address).orElse(0L);
            fields[at + 3] = y.address();
            fields[at + 4] = outputs();
            fields[at + 5] = width();
            fields[at + 6] = activation;
            fields[at + 7] = y.dtype() == DType.FLOAT32 ? 1 : 0;
        }
    }

    /** Maps of a sum that take nothing of what comes right before need not wait for it, and come first. */
    @Override
    public long[] fields(Set<CudaPool.Block> before, int segment) {
        List<Part> ordered = new ArrayList<>();
        if (form == Form.SUMMED && !before.isEmpty()) {
            parts.stream().filter(part -> !part.takes(before)).forEach(ordered::add);
        }
        int early = ordered.size();
        parts.stream().filter(part -> !ordered.contains(part)).forEach(ordered::add);
        long[] fields = new long[FIELDS];
        fields[0] = form.code;
        fields[1] = parts.size();
        fields[2] = early;
        fields[3] = segment;
        fields[4] = Double.doubleToRawLongBits(norm.map(Norm.Arrays::epsilon).orElse(0.0));
        fields[5] = h.map(CudaArray::address).orElse(0L);
        fields[6] = norm.map(n -> CudaArray.cast(n.weight()).address()).orElse(0L);
        fields[7] = norm.flatMap(Norm.Arrays::bias)
                .map(bias -> CudaArray.cast(bias).address())
                .orElse(0L);
        for (int i = 0; i < ordered.size(); i++) {
            ordered.get(i).put(fields, HEADER + i * PART_FIELDS);
        }
        return fields;
    }

    @Override
    public Set<CudaPool.Block> outputs() {
        return parts.stream().map(part -> part.y().block()).collect(Collectors.toSet());
    }

    @Override
    public int maps() {
        return parts.size();
    }

    @Override
    public long inputBytes(ProjectionSizes sizes, long rows) {
        long width = parts.stream()
                .limit(form == Form.SUMMED ? parts.size() : 1)
                .mapToLong(part -> sizes.pieces(part.width()) * sizes.piece())
                .sum();
        return rows * (width + sizes.gap()) * Short.BYTES;
    }

    @Override
    public long pieces(ProjectionSizes sizes) {
        long tiles = parts.stream()
                .limit(form.byRow() ? 1 : parts.size())
                .mapToLong(part -> ProjectionSizes.ceil(part.outputs(), sizes.tile()))
                .sum();
        return sizes.ofBlock(tiles) * perTile(sizes);
    }

    @Override
    public long piecesAtOnce(ProjectionSizes sizes) {
        return form.byRow() ? pieces(sizes) : perTile(sizes);
    }

    private long perTile(ProjectionSizes sizes) {
        return parts.stream()
                .limit(form.byRow() ? parts.size() : 1)
                .mapToLong(part -> sizes.pieces(part.width()))
                .sum();
    }
}
