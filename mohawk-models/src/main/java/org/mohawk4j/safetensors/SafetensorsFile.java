package org.mohawk4j.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;

/**
 * One safetensors file, its header checked in full when it is opened, its tensors memory-mapped one by one, so that the
 * file may be larger than 2 GiB. Any number of threads may read.
 *
 * <p>Accepted is what the reference implementation accepts: offsets without hole or overlap that cover the file, known
 * dtypes, sizes that match shapes. Refused beyond that: names or fields given twice, entries that are not objects,
 * dimensions of 2^63 and more, and what no model has: names of more than a million characters, 32 million characters of
 * metadata, rank above 65,536.
 */
public final class SafetensorsFile implements TensorSource {
    private final Path path;
    private final FileChannel channel;
    private final SafetensorsHeader header;
    private final AtomicReference<@Nullable ByteBuffer> idle = new AtomicReference<>();

    private SafetensorsFile(Path path, FileChannel channel, SafetensorsHeader header) {
        this.path = path;
        this.channel = channel;
        this.header = header;
    }

    /**
     * Opens a file and checks its header.
     *
     * @throws InvalidInputException if the file is missing, not readable, not a regular file, or not valid
     */
    public static SafetensorsFile open(Path file) {
        InputFile.requireRegular(file);
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            try {
                return new SafetensorsFile(file, channel, SafetensorsHeader.read(file, channel));
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    @Override
    public Path path() {
        return path;
    }

    /** The metadata of the header, in its order; empty if it has none. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    @Override
    public List<String> names() {
        return header.names();
    }

    @Override
    public boolean contains(String name) {
        return header.tensors().find(name) >= 0;
    }

    @Override
    public TensorInfo info(String name) {
        int index = header.tensors().find(name);
        if (index < 0) {
            throw new InvalidInputException(path + ": has no tensor " + InputFile.quote(name));
        }
        TensorTable tensors = header.tensors();
        return new TensorInfo(
                name,
                tensors.dtype(index),
                tensors.shape(index),
                path,
                header.dataStart() + tensors.begin(index),
                tensors.end(index) - tensors.begin(index));
    }

    @Override
    public HostTensor tensor(String name) {
        HostSource numbers = numbers(name);
        if (numbers instanceof HostTensor tensor) {
            return tensor;
        }
        throw new InvalidInputException(
                path + ": tensor " + InputFile.quote(name) + ": expected at most " + Integer.MAX_VALUE
                        + " bytes in one tensor, found " + info(name).byteLength());
    }

    @Override
    public HostSource numbers(String name) {
        return numbers(name, Integer.MAX_VALUE);
    }

    private DType requireDtype(TensorInfo info) {
        return info.dtype()
                .dtype()
                .orElseThrow(() -> new InvalidInputException(path + ": tensor " + InputFile.quote(info.name())
                        + ": expected dtype F64, F32, F16, BF16, I64 or I32, found " + info.dtype()));
    }

    @Override
    public HostSource stream(String name) {
        TensorInfo info = info(name);
        return new StreamedTensor(path, channel, info, requireDtype(info), idle);
    }

    /** @param most bytes that are mapped at once */
    HostSource numbers(String name, int most) {
        TensorInfo info = info(name);
        DType dtype = requireDtype(info);
        if (!channel.isOpen()) {
            throw new IllegalStateException(path + " is closed");
        }
        int whole = most - most % dtype.bytes();
        List<ByteBuffer> chunks = new ArrayList<>();
        try {
            for (long at = 0; at < info.byteLength(); at += whole) {
                long bytes = Math.min(whole, info.byteLength() - at);
                chunks.add(channel.map(FileChannel.MapMode.READ_ONLY, info.offset() + at, bytes));
            }
        } catch (IOException e) {
            throw InputFile.unreadable(path, e);
        }
        return HostSource.of(dtype, info.shape(), chunks.isEmpty() ? List.of(ByteBuffer.allocate(0)) : chunks);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw InputFile.unreadable(path, e);
        }
    }
}
