package org.mohawk4j.tensor.types;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Numbers, row-major, that are read piece by piece, so that all together may be larger than one buffer can be: an
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

    /**
     * Some of these numbers, neighbors in their order.
     *
     * @param first index of the first of them
     * @param part their shape
     */
    default HostSource slice(long first, Shape part) {
        HostSource original = this;
        long end = first + part.size();
        return new HostSource() {
            @Override
            public DType dtype() {
                return original.dtype();
            }

            @Override
            public Shape shape() {
                return part;
            }

            @Override
            public void forEachPiece(PieceAction action) {
                original.forEachPiece((from, piece) -> {
                    long start = Math.max(from, first);
                    long count = Math.min(from + piece.shape().size(), end) - start;
                    if (count > 0) {
                        int bytes = dtype().bytes();
                        ByteBuffer data = piece.data()
                                .slice(Math.toIntExact((start - from) * bytes), Math.toIntExact(count * bytes));
                        action.accept(start - first, new HostTensor(dtype(), Shape.of(count), data));
                    }
                });
            }
        };
    }

    /**
     * Numbers of one type, one source's behind the other's.
     *
     * @param whole the shape of all
     */
    static HostSource joined(Shape whole, List<HostSource> parts) {
        return new HostSource() {
            @Override
            public DType dtype() {
                return parts.get(0).dtype();
            }

            @Override
            public Shape shape() {
                return whole;
            }

            @Override
            public void forEachPiece(PieceAction action) {
                long before = 0;
                for (HostSource part : parts) {
                    long start = before;
                    part.forEachPiece((from, piece) -> action.accept(start + from, piece));
                    before += part.shape().size();
                }
            }
        };
    }
}
