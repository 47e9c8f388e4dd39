package org.mohawk4j.op;

import org.mohawk4j.tensor.Tensor;

/** {@code c tanh(x / c)}, which keeps numbers between -c and c (Gemma 2, arXiv 2408.00118). */
public final class SoftCap {
    private SoftCap() {}

    /** @param cap c; 0: x as it is */
    public static Tensor apply(Tensor x, double cap) {
        return cap == 0 ? x : x.mul(1 / cap).tanh().mul(cap);
    }
}
