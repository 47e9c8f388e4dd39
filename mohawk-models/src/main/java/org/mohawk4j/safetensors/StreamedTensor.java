package org.mohawk4j.safetensors;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * A tensor of a file that is read piece by piece.
 *
 * @param idle the buffer of the last tensor of this file that was read: memory outside the heap is freed late, so that
 *     one for each tensor would add up
 */
record StreamedTensor(
        Path path, FileChannel channel, TensorInfo info, DType dtype, AtomicReference<@Nullable ByteBuffer> idle)
        implements HostSource {
    @Override
    public Shape shape() {
        return info.shape();
    }

    @Override
    public void forEachPiece(PieceAction action) {
        if (!channel.isOpen()) {
            throw new IllegalStateException(path + " is closed");
        }
        ByteBuffer buffer = take();
        for (long at = 0; at < info.byteLength(); at += PIECE_BYTES) {
            buffer.clear().limit((int) Math.min(PIECE_BYTES, info.byteLength() - at));
            read(buffer, info.offset() + at);
            Shape piece = Shape.of(buffer.limit() / dtype.bytes());
            action.accept(at / dtype.bytes(), new HostTensor(dtype, piece, buffer.flip()));
        }
        idle.set(buffer);
    }

    private ByteBuffer take() {
        ByteBuffer buffer = idle.getAndSet(null);
        return buffer == null ? ByteBuffer.allocateDirect(PIECE_BYTES) : buffer;
    }

    private void read(ByteBuffer buffer, long position) {
        try {
            long at = position;
            while (buffer.hasRemaining()) {
                int count = channel.read(buffer, at);
                if (count < 0) {
                    throw new EOFException("it has become shorter");
                }
                at += count;
            }
        } catch (IOException e) {
            throw InputFile.unreadable(path, e);
        }
    }
}
