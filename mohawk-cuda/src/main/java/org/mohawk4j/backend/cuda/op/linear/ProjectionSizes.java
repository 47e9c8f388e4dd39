package org.mohawk4j.backend.cuda.op.linear;

import java.util.List;
import org.mohawk4j.backend.cuda.op.Gpu;

/** What {@code projections.cu} says of itself, and the shared memory that its launches need from that. */
public final class ProjectionSizes {
    private static final int COUNT = 11;

    /** What the kernel has of its own, with room to spare. */
    private static final int FIXED_BYTES = 2048;

    /** Sums of pieces that are kept at a time, unless one tile has more. */
    private static final long SUMS = 512;

    private final int[] sizes;
    private final long multiprocessors;
    private final long blockBytes;

    ProjectionSizes(Gpu gpu, String source) {
        sizes = gpu.source(source).constants("projectionSizes", COUNT);
        multiprocessors = gpu.device().multiprocessors();
        blockBytes = gpu.device().sharedBytes();
    }

    int threads() {
        return sizes[0];
    }

    int persistentThreads() {
        return sizes[9];
    }

    /** Rows of a weight that are read together. */
    int tile() {
        return sizes[1];
    }

    /** Columns of them that a warp takes. */
    int piece() {
        return sizes[2];
    }

    int mostMaps() {
        return sizes[5];
    }

    int mostRows() {
        return sizes[6];
    }

    /** The widest row that is normalized. */
    int mostNormed() {
        return sizes[7];
    }

    /** Numbers between two rows in shared memory. */
    int gap() {
        return sizes[8];
    }

    /**
     * A launch of operations on the same number of rows.
     *
     * @param slots of the ring; none if the operations do not fit
     * @param capacity pieces whose sums are kept at a time
     * @param segments maps of all operations
     */
    public record Launch(int rows, int slots, int capacity, int segments, int sharedBytes) {
        boolean fits() {
            return slots > 0;
        }
    }

    Launch launch(List<? extends Operation> operations, long rows) {
        long inputs = 0;
        long most = 0;
        long least = 0;
        int segments = 0;
        for (Operation operation : operations) {
            inputs = Math.max(inputs, operation.inputBytes(this, rows));
            long pieces = operation.pieces(this);
            most = Math.max(most, pieces);
            least = Math.max(least, operation.piecesAtOnce(this));
            segments += operation.maps();
        }
        long capacity = Math.max(least, Math.min(most, SUMS / rows));
        long own = inputs + (long) segments * sizes[10] + capacity * rows * tile() * Float.BYTES;
        // a slot is a piece for each warp
        int slotBytes = sizes[3];
        long slots = Math.min(sizes[4], Math.max(0, blockBytes - FIXED_BYTES - own) / slotBytes);
        return new Launch(
                Math.toIntExact(rows),
                Math.toIntExact(slots),
                Math.toIntExact(capacity),
                segments,
                Math.toIntExact(own + slots * slotBytes));
    }

    long pieces(long width) {
        return ceil(width, piece());
    }

    /** Of so many tiles, what one block takes at most. */
    long ofBlock(long tiles) {
        return ceil(tiles, multiprocessors);
    }

    static long ceil(long a, long b) {
        return (a + b - 1) / b;
    }
}
