package org.mohawk4j.mixer;

import org.mohawk4j.layer.Linear;
import org.mohawk4j.tensor.Tensor;

/**
 * The linear maps of an attention, without their biases, for mixers that start from them. A linear recurrence that
 * begins with its teacher's projections needs a fraction of the tokens (The Mamba in the Llama, arXiv 2408.15237,
 * section 3.1).
 *
 * @param query [H,P,D]
 * @param key [H,P,D], shared heads repeated
 * @param value [H,P,D], shared heads repeated
 * @param output [D,D]
 */
public record AttentionMaps(Tensor query, Tensor key, Tensor value, Tensor output) {
    /** H. */
    public long heads() {
        return query.dim(0);
    }

    /** Copies the value and output maps. */
    public void copyTo(Linear values, Linear outputs) {
        values.setRows(0, value.reshape(-1, value.dim(2)));
        outputs.setRows(0, output);
    }

    /**
     * Copies queries or keys, scaled so that their products are the attention's scores. Of each head's rows as many are
     * written as both have.
     *
     * @param from the first of H·N rows in the target
     * @param stateSize N
     */
    public static void copyScores(Tensor queryOrKey, Linear target, long from, int stateSize) {
        long headDim = queryOrKey.dim(1);
        Tensor scaled = queryOrKey.mul(Math.pow(headDim, -0.25));
        for (long head = 0; head < queryOrKey.dim(0); head++) {
            Tensor rows = scaled.narrow(0, head, 1).narrow(1, 0, Math.min(headDim, stateSize));
            target.setRows(from + head * stateSize, rows.reshape(-1, rows.dim(2)));
        }
    }
}
