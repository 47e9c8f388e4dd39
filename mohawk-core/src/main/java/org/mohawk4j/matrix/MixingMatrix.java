package org.mohawk4j.matrix;

import org.mohawk4j.tensor.Tensor;

/**
 * The map along time that a mixer applies, per batch entry and head: {@code Y = M X} with M of shape [B,H,T,T]
 * (MOHAWK, arXiv 2408.10189, section 3). A mixer describes it by its factors; what uses it decides whether the matrix
 * itself ever exists.
 */
public interface MixingMatrix {
    /**
     * {@code M X}, using the matrix's structure.
     *
     * @param x [B,T,H,P]
     * @return [B,T,H,P]
     */
    Tensor multiply(Tensor x);

    /** The matrix itself, [B,H,T,T]: for inspection, and for distances that nothing fuses. */
    Tensor materialize();

    /** One head's matrix, [B,1,T,T]. This version materializes all; a matrix that can do with less overrides it. */
    default Tensor materialize(int head) {
        return materialize().narrow(1, head, 1);
    }
}
