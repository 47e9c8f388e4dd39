package org.mohawk4j.matrix;

import org.mohawk4j.Arguments;
import org.mohawk4j.tensor.Tensor;

/**
 * A matrix without structure.
 *
 * @param values [B,H,T,T]
 */
public record DenseMatrix(Tensor values) implements MixingMatrix {
    public DenseMatrix {
        Arguments.require(
                values.shape().rank() == 4 && values.dim(2) == values.dim(3),
                "dense matrix",
                "values [B,H,T,T]",
                values.shape());
    }

    @Override
    public Tensor multiply(Tensor x) {
        return values.matmul(x.permute(0, 2, 1, 3)).permute(0, 2, 1, 3);
    }

    @Override
    public Tensor materialize() {
        return values;
    }
}
