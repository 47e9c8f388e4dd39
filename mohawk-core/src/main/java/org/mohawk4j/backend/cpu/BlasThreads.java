package org.mohawk4j.backend.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;

/**
 * OpenBLAS's number of threads, which it has one of for the whole process. While threads of ours multiply, each on its
 * own, it is one; at all other times it is what the rest of the process made it.
 */
final class BlasThreads {
    private static int using;
    private static int before;

    private BlasThreads() {}

    /** Each product has one thread from here on, until {@link #release} was called as often. */
    static synchronized void one() {
        if (using++ == 0) {
            before = blas_get_num_threads();
            if (before != 1) {
                blas_set_num_threads(1);
            }
        }
    }

    static synchronized void release() {
        if (--using == 0 && before != 1) {
            blas_set_num_threads(before);
        }
    }
}
