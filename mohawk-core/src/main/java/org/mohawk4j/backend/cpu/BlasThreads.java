package org.mohawk4j.backend.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;

/**
 * OpenBLAS's number of threads, which it has one of for the whole process. It is one while a {@link Cpu} is open, whose
 * threads multiply each on its own; when the last one is closed it is what it was before the first. To set it around each
 * operation takes longer than most operations: about half a millisecond.
 */
final class BlasThreads {
    private static int using;
    private static int before;

    private BlasThreads() {}

    /** Every product of the process has one thread from here on, until {@link #release} was called as often. */
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
