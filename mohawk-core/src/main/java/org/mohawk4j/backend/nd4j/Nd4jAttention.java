package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.AttentionFunction.AttentionKernel;
import org.mohawk4j.tensor.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Attention that masks and normalises its scores in place and saves the matrix for the backward pass. */
final class Nd4jAttention implements AttentionKernel {
    private final Nd4jPool pool;
    private final Nd4jMasks masks;

    Nd4jAttention(Nd4jPool pool, Nd4jMasks masks) {
        this.pool = pool;
        this.masks = masks;
    }

    @Override
    public boolean supports(long heads, long groups) {
        return heads == groups;
    }

    @Override
    public Result forward(Array q, Array k, Array v, double scale) {
        Shape shape = q.shape();
        long maps = shape.dim(0) * shape.dim(2);
        long rows = shape.dim(1);
        long columns = k.shape().dim(1);
        long width = shape.dim(3);
        try (Nd4jScratch work = new Nd4jScratch(pool, q.dtype())) {
            INDArray queries = byHead(work, q);
            queries.muli(scale);
            Nd4jArray weights = work.result(Shape.of(maps, rows, columns));
            INDArray scores = weights.values();
            Nd4jScratch.matmul(scores, queries, false, byHead(work, k), true);
            Nd4jScratch.add(scores, scores, masks.future(q.dtype(), rows, columns));
            INDArray flat = weights.shaped(maps * rows, columns);
            work.softmax(flat, flat);
            INDArray mixed = work.take(maps, rows, width);
            Nd4jScratch.matmul(mixed, scores, false, byHead(work, v), false);
            return new Result(byTime(work, mixed, shape), List.of(weights));
        }
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array q, Array k, Array v, Array output, List<Array> saved, double scale) {
        long maps = q.shape().dim(0) * q.shape().dim(2);
        long rows = q.shape().dim(1);
        long columns = k.shape().dim(1);
        long width = q.shape().dim(3);
        try (Nd4jScratch work = new Nd4jScratch(pool, q.dtype())) {
            INDArray weights = Nd4jArray.values(saved.get(0));
            INDArray gradient = byHead(work, outputGradient);
            INDArray ofScores = work.take(maps, rows, columns);
            INDArray product = work.take(maps, rows, columns);
            INDArray sums = work.take(maps * rows, 1);
            INDArray ofValues = work.take(maps, columns, width);
            Nd4jScratch.matmul(ofValues, weights, true, gradient, false);
            Nd4jScratch.matmul(ofScores, gradient, false, byHead(work, v), true);
            Nd4jScratch.multiply(product, ofScores, weights);
            work.rowSums(sums, product.reshape('c', new long[] {maps * rows, columns}), 1);
            Nd4jScratch.subtract(ofScores, ofScores, sums.reshape('c', new long[] {maps, rows, 1}));
            Nd4jScratch.multiply(ofScores, ofScores, weights);
            ofScores.muli(scale);
            INDArray ofQueries = work.take(maps, rows, width);
            INDArray ofKeys = work.take(maps, columns, width);
            Nd4jScratch.matmul(ofQueries, ofScores, false, byHead(work, k), false);
            Nd4jScratch.matmul(ofKeys, ofScores, true, byHead(work, q), false);
            return new Gradients(
                    byTime(work, ofQueries, q.shape()),
                    byTime(work, ofKeys, k.shape()),
                    byTime(work, ofValues, v.shape()));
        }
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
