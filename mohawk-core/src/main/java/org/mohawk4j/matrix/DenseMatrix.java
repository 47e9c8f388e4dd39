package org.mohawk4j.matrix;

import org.mohawk4j.tensor.Tensor;

/**
 * A matrix without structure.
 *
 * @param values [B,H,T,T]
 */
public record DenseMatrix(Tensor values) implements MixingMatrix {
    @Override
    public Tensor multiply(Tensor x) {
        return values.matmul(x.permute(0, 2, 1, 3)).permute(0, 2, 1, 3);
    }

    @Override
    public Tensor materialize() {
        return values;
    }
}
