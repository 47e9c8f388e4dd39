package org.mohawk4j.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * A tensor's numbers, copied to the host piece by piece when they are asked for.
 *
 * @param most elements of a piece
 */
record TensorPieces(Tensor tensor, int most) implements HostSource {
    /** See {@link Tensor#copyTo}. */
    static HostSource copy(Tensor tensor, HostMemory memory) {
        if (tensor.nbytes() != memory.bytes()) {
            throw new IllegalArgumentException("memory of " + memory.bytes() + " bytes for " + tensor.dtype() + " "
                    + tensor.shape() + " of " + tensor.nbytes());
        }
        List<ByteBuffer> buffers = memory.buffers();
        long from = 0;
        for (ByteBuffer buffer : buffers) {
            tensor.toHost(from, buffer);
            from += buffer.limit() / tensor.dtype().bytes();
        }
        return HostSource.of(tensor.dtype(), tensor.shape(), buffers);
    }

    @Override
    public DType dtype() {
        return tensor.dtype();
    }

    @Override
    public Shape shape() {
        return tensor.shape();
    }

    @Override
    public void forEachPiece(PieceAction action) {
        long size = shape().size();
        ByteBuffer memory = ByteBuffer.allocateDirect((int) Math.min(most, size) * dtype().bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        for (long from = 0; from < size; from += most) {
            int elements = (int) Math.min(most, size - from);
            ByteBuffer piece = memory.slice(0, elements * dtype().bytes());
            tensor.toHost(from, piece);
            action.accept(from, new HostTensor(dtype(), Shape.of(elements), piece));
        }
    }
}
