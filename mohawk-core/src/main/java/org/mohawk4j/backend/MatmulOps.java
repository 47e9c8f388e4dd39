package org.mohawk4j.backend;

/** Matrix products. */
public interface MatmulOps {
    /**
     * Products of the last two axes, one per index of the leading axes, which must be equal or absent on both sides.
     *
     * @param a [..., M, K], or [..., K, M] if {@code transposeA}
     * @param b [..., K, N], or [..., N, K] if {@code transposeB}
     * @return [..., M, N]
     */
    Array matmul(Array a, boolean transposeA, Array b, boolean transposeB);
}
