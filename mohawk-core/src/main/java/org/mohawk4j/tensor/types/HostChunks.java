package org.mohawk4j.tensor.types;

import java.nio.ByteBuffer;
import java.util.List;

/** Numbers in one or more buffers, handed over in slices of these. */
record HostChunks(DType dtype, Shape shape, List<ByteBuffer> chunks) implements HostSource {
    HostChunks {
        chunks = List.copyOf(chunks);
        long bytes = chunks.stream().mapToLong(ByteBuffer::remaining).sum();
        long expected = Math.multiplyExact(shape.size(), dtype.bytes());
        if (bytes != expected || chunks.stream().anyMatch(chunk -> chunk.remaining() % dtype.bytes() != 0)) {
            throw new IllegalArgumentException(dtype + " " + shape + " needs " + expected
                    + " bytes in chunks of whole elements, the buffers have " + bytes);
        }
    }

    @Override
    public void forEachPiece(PieceAction action) {
        long from = 0;
        for (ByteBuffer chunk : chunks) {
            for (int at = chunk.position(); at < chunk.limit(); ) {
                int bytes = Math.min(PIECE_BYTES, chunk.limit() - at);
                int elements = bytes / dtype.bytes();
                action.accept(from, new HostTensor(dtype, Shape.of(elements), chunk.slice(at, bytes)));
                from += elements;
                at += bytes;
            }
        }
    }
}
