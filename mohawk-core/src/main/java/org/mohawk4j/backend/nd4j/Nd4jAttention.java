package org.mohawk4j.backend.nd4j;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jMasks;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Attention by blocks of queries, each against the keys that it can see, which leaves out nearly half of the scores. The
 * matrix is saved for the backward pass, block by block.
 */
final class Nd4jAttention implements FusedAttention {
    private static final long QUERIES_AT_ONCE = 64;

    private final Nd4jPool pool;
    private final Nd4jMasks masks;

    Nd4jAttention(Nd4jPool pool, Nd4jMasks masks) {
        this.pool = pool;
        this.masks = masks;
    }

    /** Queries {@code from .. from + rows - 1} and the first {@code columns} keys. */
    private record Block(long from, long rows, long columns) {
        static List<Block> of(long queries, long keys) {
            List<Block> blocks = new ArrayList<>();
            for (long from = 0; from < queries; from += QUERIES_AT_ONCE) {
                long rows = Math.min(QUERIES_AT_ONCE, queries - from);
                blocks.add(new Block(from, rows, keys - queries + from + rows));
            }
            return blocks;
        }

        INDArray queries(INDArray byHead) {
            return part(byHead, from, from + rows);
        }

        INDArray keys(INDArray byHead) {
            return part(byHead, 0, columns);
        }

        private static INDArray part(INDArray byHead, long from, long to) {
            return byHead.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
        }
    }

    @Override
    public boolean supports(long heads, long groups, long headDim, AttentionScores scores, boolean kept) {
        return heads == groups && scores.softCap() == 0 && scores.window() == 0;
    }

    @Override
    public Result forward(Array q, Array k, Array v, AttentionScores scores, boolean kept) {
        Shape shape = q.shape();
        long maps = shape.dim(0) * shape.dim(2);
        List<Array> saved = new ArrayList<>();
        try (Nd4jScratch work = new Nd4jScratch(pool, q.dtype())) {
            INDArray queries = byHead(work, q);
            queries.muli(scores.scale());
            INDArray keys = byHead(work, k);
            INDArray values = byHead(work, v);
            INDArray mixed = work.take(maps, shape.dim(1), shape.dim(3));
            for (Block block : Block.of(shape.dim(1), k.shape().dim(1))) {
                Nd4jArray weights = work.result(Shape.of(maps, block.rows(), block.columns()));
                INDArray products = weights.values();
                Nd4jScratch.matmul(products, block.queries(queries), false, block.keys(keys), true);
                Nd4jScratch.add(products, products, masks.future(q.dtype(), block.rows(), block.columns()));
                INDArray flat = weights.shaped(maps * block.rows(), block.columns());
                work.softmax(flat, flat);
                Nd4jScratch.matmul(block.queries(mixed), products, false, block.keys(values), false);
                if (kept) {
                    saved.add(weights);
                } else {
                    pool.release(weights);
                }
            }
            return new Result(byTime(work, mixed, shape), saved);
        }
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array q, Array k, Array v, Array output, List<Array> saved, AttentionScores scores) {
        Shape shape = q.shape();
        long maps = shape.dim(0) * shape.dim(2);
        long columns = k.shape().dim(1);
        long width = shape.dim(3);
        try (Nd4jScratch work = new Nd4jScratch(pool, q.dtype())) {
            INDArray gradient = byHead(work, outputGradient);
            INDArray queries = byHead(work, q);
            queries.muli(scores.scale());
            INDArray keys = byHead(work, k);
            INDArray values = byHead(work, v);
            INDArray ofQueries = work.take(maps, shape.dim(1), width);
            INDArray ofKeys = work.take(maps, columns, width);
            INDArray ofValues = work.take(maps, columns, width);
            ofKeys.assign(0);
            ofValues.assign(0);
            List<Block> blocks = Block.of(shape.dim(1), columns);
            for (int i = 0; i < blocks.size(); i++) {
                Block block = blocks.get(i);
                try (Nd4jScratch part = new Nd4jScratch(pool, q.dtype())) {
                    INDArray weights = Nd4jArray.values(saved.get(i));
                    INDArray upstream = block.queries(gradient);
                    INDArray ofScores = scoreGradient(part, weights, upstream, block.keys(values));
                    Nd4jScratch.matmul(block.queries(ofQueries), ofScores, false, block.keys(keys), false);
                    INDArray term = part.take(maps, block.columns(), width);
                    Nd4jScratch.matmul(term, ofScores, true, block.queries(queries), false);
                    Nd4jScratch.add(block.keys(ofKeys), block.keys(ofKeys), term);
                    Nd4jScratch.matmul(term, weights, true, upstream, false);
                    Nd4jScratch.add(block.keys(ofValues), block.keys(ofValues), term);
                }
            }
            ofQueries.muli(scores.scale());
            return new Gradients(
                    byTime(work, ofQueries, shape), byTime(work, ofKeys, k.shape()), byTime(work, ofValues, v.shape()));
        }
    }

    /** Through the softmax: {@code W (dW - rowsum(W dW))} with {@code dW = upstream valuesᵀ}. */
    private static INDArray scoreGradient(Nd4jScratch work, INDArray weights, INDArray upstream, INDArray values) {
        long[] dims = weights.shape();
        long rows = dims[0] * dims[1];
        INDArray gradient = work.take(dims);
        INDArray product = work.take(dims);
        INDArray sums = work.take(rows, 1);
        Nd4jScratch.matmul(gradient, upstream, false, values, true);
        Nd4jScratch.multiply(product, gradient, weights);
        work.rowSums(sums, product.reshape('c', new long[] {rows, dims[2]}), 1);
        Nd4jScratch.subtract(gradient, gradient, sums.reshape('c', new long[] {dims[0], dims[1], 1}));
        Nd4jScratch.multiply(gradient, gradient, weights);
        return gradient;
    }

    /** [B,T,H,P] to [B·H,T,P]. */
    private static INDArray byHead(Nd4jScratch work, Array x) {
        Shape s = x.shape();
        Nd4jArray target = work.taken(Shape.of(s.dim(0), s.dim(2), s.dim(1), s.dim(3)));
        target.values().assign(Nd4jArray.values(x).permute(0, 2, 1, 3));
        return target.shaped(s.dim(0) * s.dim(2), s.dim(1), s.dim(3));
    }

    /** [B·H,T,P] to the shape [B,T,H,P]. */
    private static Nd4jArray byTime(Nd4jScratch work, INDArray x, Shape s) {
        Nd4jArray target = work.result(s);
        target.values()
                .assign(x.reshape('c', new long[] {s.dim(0), s.dim(2), s.dim(1), s.dim(3)})
                        .permute(0, 2, 1, 3));
        return target;
    }
}
