package org.mohawk4j.backend.cpu.op;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.AttentionScores;

/**
 * Attention by blocks of queries of one head, each against the keys that it can see. The matrix is not kept: the backward
 * pass computes it again from each row's log-sum-exp.
 */
public final class CpuAttention implements FusedAttention {
    private static final int QUERIES = 64;

    private final Cpu cpu;

    public CpuAttention(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Extents and addresses of one call. */
    private record Call(
            long batch,
            long queries,
            long keys,
            long heads,
            long groups,
            long width,
            long q,
            long k,
            long v,
            float scale) {
        int blocks() {
            return Cpu.blocks(queries, QUERIES);
        }

        long queryStride() {
            return heads * width;
        }

        long keyStride() {
            return groups * width;
        }

        long query(long start, long b, long t, long h) {
            return Cpu.plus(start, ((b * queries + t) * heads + h) * width);
        }

        long key(long start, long b, long h) {
            return Cpu.plus(start, (b * keys * groups + h / (heads / groups)) * width);
        }

        /** Keys that the block's query i sees. */
        int visible(long from, long i) {
            return Math.toIntExact(keys - queries + from + i + 1);
        }

        Matrix queryRows(long start, long b, long from, long h) {
            return new Matrix(query(start, b, from, h), queryStride());
        }

        Matrix keyRows(long start, long b, long h) {
            return new Matrix(key(start, b, h), keyStride());
        }

        /** {@code target [rows, columns] = scale q kᵀ}. */
        void scores(Lane lane, long b, long h, long from, int rows, long target) {
            long columns = visible(from, rows - 1);
            lane.gemm(
                    new Sizes(rows, columns, width),
                    scale,
                    queryRows(q, b, from, h),
                    keyRows(k, b, h).transpose(),
                    0,
                    new Matrix(target, columns));
        }
    }

    private Call call(Array q, Array k, Array v, AttentionScores scores) {
        return new Call(
                q.shape().dim(0),
                q.shape().dim(1),
                k.shape().dim(1),
                q.shape().dim(2),
                k.shape().dim(2),
                q.shape().dim(3),
                cpu.at(q),
                cpu.at(k),
                cpu.at(v),
                (float) scores.scale());
    }

    @Override
    public boolean supports(long heads, long groups, long headDim, AttentionScores scores, boolean kept) {
        return scores.softCap() == 0 && scores.window() == 0;
    }

    @Override
    public Result forward(Array q, Array k, Array v, AttentionScores scores, boolean kept) {
        Call call = call(q, k, v, scores);
        Array output = cpu.take(q.shape());
        Array sums = cpu.take(kept ? call.batch * call.heads * call.queries : 1);
        long out = cpu.at(output);
        long kernelSums = cpu.at(sums);
        int blocks = call.blocks();
        long work = 2 * call.batch * call.heads * call.queries * call.keys * call.width;
        cpu.run(call.batch * call.heads * blocks, work, (index, lane) -> {
            long map = index / blocks;
            // the longest blocks first, so that no thread is left with one at the end
            long from = (long) (blocks - 1 - index % blocks) * QUERIES;
            long b = map / call.heads;
            long h = map % call.heads;
            int rows = (int) Math.min(QUERIES, call.queries - from);
            int columns = call.visible(from, rows - 1);
            long weights = lane.scratch().take((long) rows * columns);
            call.scores(lane, b, h, from, rows, weights);
            for (int i = 0; i < rows; i++) {
                long row = Cpu.plus(weights, (long) i * columns);
                int seen = call.visible(from, i);
                float sum = lane.rows().softmax(row, 1, row, seen);
                Raw.zero(Cpu.plus(row, seen), columns - seen);
                if (kept) {
                    Raw.put(Cpu.plus(kernelSums, map * call.queries + from + i), sum);
                }
            }
            lane.gemm(
                    new Sizes(rows, call.width, columns),
                    1,
                    new Matrix(weights, columns),
                    call.keyRows(call.v, b, h),
                    0,
                    call.queryRows(out, b, from, h));
        });
        if (!kept) {
            cpu.release(sums);
        }
        return new Result(output, kept ? List.of(sums) : List.of());
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array q, Array k, Array v, Array output, List<Array> saved, AttentionScores scores) {
        Call call = call(q, k, v, scores);
        Array ofQ = cpu.take(q.shape());
        Array ofK = cpu.take(k.shape());
        Array ofV = cpu.take(v.shape());
        cpu.zero(cpu.at(ofK), k.shape().size());
        cpu.zero(cpu.at(ofV), v.shape().size());
        Backward pass =
                new Backward(call, cpu.at(outputGradient), cpu.at(saved.get(0)), cpu.at(ofQ), cpu.at(ofK), cpu.at(ofV));
        long shared = call.heads / call.groups;
        // heads of a group add to the same keys
        cpu.run(call.batch * call.groups, (index, lane) -> {
            for (long head = 0; head < shared; head++) {
                pass.head(lane, index / call.groups, index % call.groups * shared + head);
            }
        });
        return new Gradients(ofQ, ofK, ofV);
    }

    private record Backward(Call call, long g, long sums, long ofQ, long ofK, long ofV) {
        void head(Lane lane, long b, long h) {
            long weights = lane.scratch().take(QUERIES * call.keys);
            long ofScores = lane.scratch().take(QUERIES * call.keys);
            for (long from = 0; from < call.queries; from += QUERIES) {
                block(lane, b, h, from, weights, ofScores);
            }
        }

        private void block(Lane lane, long b, long h, long from, long weights, long ofScores) {
            int rows = (int) Math.min(QUERIES, call.queries - from);
            int columns = call.visible(from, rows - 1);
            Sizes maps = new Sizes(rows, columns, call.width);
            Sizes byKey = new Sizes(columns, call.width, rows);
            Matrix upstream = call.queryRows(g, b, from, h);
            call.scores(lane, b, h, from, rows, weights);
            lane.gemm(maps, 1, upstream, call.keyRows(call.v, b, h).transpose(), 0, new Matrix(ofScores, columns));
            for (int i = 0; i < rows; i++) {
                long row = Cpu.plus(weights, (long) i * columns);
                long gradient = Cpu.plus(ofScores, (long) i * columns);
                int seen = call.visible(from, i);
                float sum = Raw.get(Cpu.plus(sums, (b * call.heads + h) * call.queries + from + i));
                lane.rows().exp(row, 1, -sum, row, seen);
                lane.rows().softmaxGradient(gradient, row, gradient, seen);
                Raw.zero(Cpu.plus(row, seen), columns - seen);
                Raw.zero(Cpu.plus(gradient, seen), columns - seen);
            }
            Matrix ofProducts = new Matrix(ofScores, columns);
            lane.gemm(
                    new Sizes(rows, call.width, columns),
                    call.scale,
                    ofProducts,
                    call.keyRows(call.k, b, h),
                    0,
                    call.queryRows(ofQ, b, from, h));
            lane.gemm(
                    byKey,
                    call.scale,
                    ofProducts.transpose(),
                    call.queryRows(call.q, b, from, h),
                    1,
                    call.keyRows(ofK, b, h));
            lane.gemm(byKey, 1, new Matrix(weights, columns, true), upstream, 1, call.keyRows(ofV, b, h));
        }
    }
}
