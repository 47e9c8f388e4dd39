package org.mohawk4j.tensor.types;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Numbers on the host, row-major and little-endian: the currency between files and backends. The buffer may be a slice
 * of a memory-mapped file, so it is read-only.
 *
 * @param data exactly {@code shape.size() * dtype.bytes()} bytes from position 0 to the limit
 */
public record HostTensor(DType dtype, Shape shape, ByteBuffer data) implements HostSource {
    public HostTensor {
        data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
        long expected = Math.multiplyExact(shape.size(), dtype.bytes());
        if (data.remaining() != expected) {
            throw new IllegalArgumentException(
                    dtype + " " + shape + " needs " + expected + " bytes, the buffer has " + data.remaining());
        }
    }

    @Override
    public void forEachPiece(PieceAction action) {
        new HostChunks(dtype, shape, List.of(data)).forEachPiece(action);
    }

    /** A view of the bytes with its own position, little-endian. */
    @Override
    public ByteBuffer data() {
        return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }
}
