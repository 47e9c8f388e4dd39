package org.mohawk4j.op.loss;

import java.nio.IntBuffer;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Distributions over V tokens, of which the K likeliest are known one by one and all others by what they have together. On
 * the host: it goes into files and comes from them.
 *
 * @param ids int32 [R,K], each in 0..V-1 and once in a row
 * @param probabilities float32 [R,K], of these
 * @param rest float32 [R], the probability of all others together. Kept beside the probabilities, of which it would be what
 *     they lack to 1: where that is little, the difference would be rounding
 */
public record TopKLogits(HostTensor ids, HostTensor probabilities, HostTensor rest) {
    public TopKLogits {
        Shape shape = ids.shape();
        if (ids.dtype() != DType.INT32
                || probabilities.dtype() != DType.FLOAT32
                || rest.dtype() != DType.FLOAT32
                || shape.rank() != 2
                || !probabilities.shape().equals(shape)
                || !rest.shape().equals(shape.without(1))) {
            throw new IllegalArgumentException(
                    "expected ids [R,K] in INT32, probabilities [R,K] and rest [R] in FLOAT32,"
                            + " got " + ids.dtype() + " " + shape + ", " + probabilities.dtype() + " "
                            + probabilities.shape()
                            + ", " + rest.dtype() + " " + rest.shape());
        }
    }

    /**
     * Where tokens stand among the logits of all rows, row-major.
     *
     * @param ids some for each row
     * @param vocabulary logits of a row
     * @throws IllegalArgumentException if a token has no logit
     */
    static int[] places(HostTensor ids, long some, long vocabulary) {
        IntBuffer tokens = ids.data().asIntBuffer();
        int[] places = new int[tokens.remaining()];
        for (int i = 0; i < places.length; i++) {
            int id = tokens.get(i);
            if (id < 0 || id >= vocabulary) {
                throw new IllegalArgumentException(
                        "token " + id + " of row " + i / some + ": expected an id below " + vocabulary);
            }
            places[i] = Math.toIntExact(i / some * vocabulary + id);
        }
        return places;
    }

    /** R. */
    public long rows() {
        return ids.shape().dim(0);
    }

    /** K. */
    public int k() {
        return Math.toIntExact(ids.shape().dim(1));
    }

    /** Rows {@code from .. from + count - 1}, as a view. */
    public TopKLogits rows(long from, long count) {
        return new TopKLogits(rows(ids, from, count), rows(probabilities, from, count), rows(rest, from, count));
    }

    static HostTensor rows(HostTensor all, long from, long count) {
        Shape shape = all.shape().with(0, count);
        long row = all.shape().size() / all.shape().dim(0) * all.dtype().bytes();
        return new HostTensor(
                all.dtype(), shape, all.data().slice(Math.toIntExact(from * row), Math.toIntExact(count * row)));
    }
}
