package org.mohawk4j.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * A tensor's numbers, copied to the host piece by piece.
 *
 * @param most elements of a piece
 */
record TensorPieces(Tensor tensor, int most) implements HostSource {
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
