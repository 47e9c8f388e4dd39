package org.mohawk4j.backend;

/** Sums, maxima and what runs along an axis. Axes count from 0. */
public interface ReductionOps {
    /** Sums over the given axes, which keep extent 1. Accumulates in at least float32. */
    Array sum(Array x, int... axes);

    /** The maximum along one axis, which keeps extent 1. NaN wins. */
    Array max(Array x, int axis);

    /** Running sum along an axis, own element included; from the end if {@code reverse}. */
    Array cumsum(Array x, int axis, boolean reverse);

    /** Softmax along the last axis, shifted by the maximum. */
    Array softmax(Array x);
}
