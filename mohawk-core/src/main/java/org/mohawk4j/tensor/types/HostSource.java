package org.mohawk4j.tensor.types;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Numbers, row-major, that the host gets piece by piece, so that all together may be larger than one buffer can be: an
 * embedding of 256,000 rows of 2,304 takes 2.4 GB in float32, a buffer at most 2 GiB.
 */
public interface HostSource {
    /** The bytes of a piece, at most. */
    int PIECE_BYTES = 1 << 24;

    DType dtype();

    Shape shape();

    /** Hands over all numbers in their order. */
    void forEachPiece(PieceAction action);

    /** Takes a piece. */
    @FunctionalInterface
    interface PieceAction {
        /**
         * @param from index of its first element among all, row-major
         * @param piece of rank 1, valid until this returns
         */
        void accept(long from, HostTensor piece);
    }

    /**
     * Numbers that lie on the host.
     *
     * @param chunks whole elements each; together all bytes in their order, little-endian
     */
    static HostSource of(DType dtype, Shape shape, List<ByteBuffer> chunks) {
        return chunks.size() == 1 ? new HostTensor(dtype, shape, chunks.get(0)) : new HostChunks(dtype, shape, chunks);
    }

    /** These numbers as another type, converted piece by piece as {@link HostTensors#convert} does. */
    default HostSource as(DType type) {
        HostSource original = this;
        return new HostSource() {
            @Override
            public DType dtype() {
                return type;
            }

            @Override
            public Shape shape() {
                return original.shape();
            }

            @Override
            public void forEachPiece(PieceAction action) {
                original.forEachPiece((from, piece) -> action.accept(from, HostTensors.convert(piece, type)));
            }
        };
    }
}
