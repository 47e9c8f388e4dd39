package org.mohawk4j.backend.nd4j;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jExec;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Time cut into chunks of Q positions, the last filled up with zeros. Chunk, batch and head together number the maps:
 * arrays are [maps, Q, ·] with chunks outermost, lanes being B·H.
 */
record Nd4jChunks(long batch, long time, long heads, long groups, long width, long n, long q) {
    static Nd4jChunks of(Array x, Array b, int chunk) {
        Shape s = x.shape();
        return new Nd4jChunks(
                s.dim(0),
                s.dim(1),
                s.dim(2),
                b.shape().dim(2),
                s.dim(3),
                b.shape().dim(3),
                Math.min(chunk, s.dim(1)));
    }

    long chunks() {
        return (time + q - 1) / q;
    }

    long lanes() {
        return batch * heads;
    }

    long maps() {
        return chunks() * lanes();
    }

    /** The states of all chunks. */
    Shape states() {
        return Shape.of(maps(), width, n);
    }

    /** The state of all lanes at one time, as it stands outside. */
    Shape state() {
        return Shape.of(batch, heads, width, n);
    }

    /**
     * [B,T,H or G,E] to [maps,Q,E], each group's entries repeated for its heads.
     *
     * @param kept whether the result outlives the kernel
     */
    Nd4jArray split(Nd4jScratch work, Array x, boolean kept) {
        long own = x.shape().dim(2);
        long extent = x.shape().dim(3);
        INDArray padded = padded(work, x, own * extent);
        Nd4jArray result = kept ? work.result(Shape.of(maps(), q, extent)) : work.taken(Shape.of(maps(), q, extent));
        INDArray byHead = padded.reshape('c', new long[] {batch, chunks(), q, own, extent})
                .permute(1, 0, 3, 2, 4);
        if (own == heads) {
            result.shaped(chunks(), batch, heads, q, extent).assign(byHead);
            return result;
        }
        INDArray once = work.take(chunks() * batch * own, 1, q * extent);
        once.reshape('c', new long[] {chunks(), batch, own, q, extent}).assign(byHead);
        INDArray repeated = result.shaped(chunks() * batch * own, heads / own, q * extent);
        repeated.assign(0);
        Nd4jScratch.add(repeated, repeated, once);
        return result;
    }

    /**
     * [maps,Q,E] to [B,T,H,E], or summed over each group's heads to [B,T,G,E].
     *
     * @param own H or G
     */
    Nd4jArray join(Nd4jScratch work, INDArray x, long extent, long own) {
        INDArray summed = x;
        if (own != heads) {
            summed = work.take(chunks() * batch * own, q * extent);
            x.reshape('c', new long[] {chunks() * batch * own, heads / own, q * extent})
                    .sum(summed, 1);
        }
        INDArray byTime = summed.reshape('c', new long[] {chunks(), batch, own, q, extent})
                .permute(1, 0, 3, 2, 4);
        Nd4jArray result = work.result(Shape.of(batch, time, own, extent));
        if (chunks() * q == time) {
            result.shaped(batch, chunks(), q, own, extent).assign(byTime);
            return result;
        }
        INDArray padded = work.take(batch, chunks() * q, own * extent);
        padded.reshape('c', new long[] {batch, chunks(), q, own, extent}).assign(byTime);
        int[] beginAndSize = {0, 0, 0, (int) batch, Math.toIntExact(time), Math.toIntExact(own * extent)};
        Nd4jExec.run("slice", result.shaped(batch, time, own * extent), beginAndSize, padded);
        return result;
    }

    /** The running sums of the log-decay [B,T,H] within each chunk, [maps,Q]. */
    Nd4jArray runningSums(Nd4jScratch work, Array logDecay) {
        INDArray padded = padded(work, logDecay, heads);
        INDArray byHead = work.take(maps(), q);
        byHead.reshape('c', new long[] {chunks(), batch, heads, q})
                .assign(padded.reshape('c', new long[] {batch, chunks(), q, heads})
                        .permute(1, 0, 3, 2));
        Nd4jArray sums = work.result(Shape.of(maps(), q));
        Nd4jExec.run("cumsum", sums.values(), new int[] {0, 0, 1}, byHead);
        return sums;
    }

    /** The gradient by the log-decay [B,T,H], from that by the running sums [maps,Q]. */
    Nd4jArray logDecayGradient(Nd4jScratch work, INDArray ofSums) {
        INDArray summed = work.take(maps(), q);
        Nd4jExec.run("cumsum", summed, new int[] {0, 1, 1}, ofSums);
        INDArray padded = work.take(batch, chunks() * q, heads);
        padded.reshape('c', new long[] {batch, chunks(), q, heads})
                .assign(summed.reshape('c', new long[] {chunks(), batch, heads, q})
                        .permute(1, 0, 3, 2));
        Nd4jArray result = work.result(Shape.of(batch, time, heads));
        int[] beginAndSize = {0, 0, 0, (int) batch, Math.toIntExact(time), Math.toIntExact(heads)};
        Nd4jExec.run("slice", result.values(), beginAndSize, padded);
        return result;
    }

    /**
     * The last position of each chunk.
     *
     * @param x [maps,Q]
     * @param target [maps,1]
     */
    void lastOf(Nd4jArray x, INDArray target) {
        Nd4jExec.run("slice", target, new int[] {0, Math.toIntExact(q - 1), Math.toIntExact(maps()), 1}, x.values());
    }

    /** Chunk i of [maps,P,N], as a view. */
    INDArray stateOf(Nd4jArray states, long i) {
        return states.block().array(states.offset() + i * lanes() * width * n, Shape.of(lanes(), width, n));
    }

    /** Chunk i of [maps,1,1], as a view. */
    INDArray scalarOf(Nd4jArray scalars, long i) {
        return scalars.block().array(scalars.offset() + i * lanes(), Shape.of(lanes(), 1, 1));
    }

    private INDArray padded(Nd4jScratch work, Array x, long rowWidth) {
        INDArray values = Nd4jArray.shaped(x, batch, time, rowWidth);
        long missing = chunks() * q - time;
        if (missing == 0) {
            return values;
        }
        INDArray zeros = work.take(batch, missing, rowWidth);
        zeros.assign(0);
        INDArray padded = work.take(batch, chunks() * q, rowWidth);
        Nd4jExec.run("concat", padded, new int[] {1}, values, zeros);
        return padded;
    }
}
