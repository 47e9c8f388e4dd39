package org.mohawk4j.backend.cuda.op.linear;

import java.util.Set;
import org.mohawk4j.backend.cuda.memory.CudaPool;

/** One operation of {@code projections.cu}. */
public interface Operation {
    /** The 64-bit fields of {@code Operation} there. */
    int FIELDS = 40;

    /** Those before the union of maps and step. */
    int HEADER = 8;

    /** The operation as a kernel sees it, after others in the same launch. */
    long[] fields(Set<CudaPool.Block> before, int segment);

    /** What it writes and others read. */
    Set<CudaPool.Block> outputs();

    /** Linear maps that it has. */
    default int maps() {
        return 0;
    }

    /** Shared memory of its inputs. */
    long inputBytes(ProjectionSizes sizes, long rows);

    /** Pieces of their weights that a block takes at most. */
    default long pieces(ProjectionSizes sizes) {
        return 0;
    }

    /** Those whose sums must be kept together. */
    default long piecesAtOnce(ProjectionSizes sizes) {
        return 0;
    }
}
