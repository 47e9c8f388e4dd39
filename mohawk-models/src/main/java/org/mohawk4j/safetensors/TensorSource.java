package org.mohawk4j.safetensors;

import java.io.Closeable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;

/** Named tensors that can be read: a safetensors file, or a model folder of one file or many shards. */
public interface TensorSource extends Closeable {
    /**
     * Opens a safetensors file, or a model folder as {@link SafetensorsFolder} does.
     *
     * @throws InvalidInputException if there is nothing, or it is damaged
     */
    static TensorSource open(Path fileOrFolder) {
        return Files.isDirectory(fileOrFolder)
                ? SafetensorsFolder.open(fileOrFolder)
                : SafetensorsFile.open(fileOrFolder);
    }

    /** Where the tensors come from, for messages. */
    Path path();

    /** The names, in the order of the data on disk. */
    List<String> names();

    /** Whether there is a tensor of that name. */
    boolean contains(String name);

    /**
     * What is known of a tensor without reading it.
     *
     * @throws InvalidInputException if there is no such tensor
     */
    TensorInfo info(String name);

    /**
     * A tensor as a memory-mapped, read-only slice: nothing is read until it is used, and it stays valid after
     * {@link #close()}, until it is garbage.
     *
     * @throws InvalidInputException if there is no such tensor, its element type has no {@code DType}, or it is larger
     *     than 2^31 - 1 bytes
     */
    HostTensor tensor(String name);

    /**
     * A tensor of any size, memory-mapped as {@link #tensor} does it; a {@link HostTensor} if it fits into one buffer.
     *
     * @throws InvalidInputException if there is no such tensor, or its element type has no {@code DType}
     */
    HostSource numbers(String name);

    /**
     * A tensor of any size that is read from the disk each time its numbers are asked for, through one buffer of
     * {@link HostSource#PIECE_BYTES}, while this is open: unlike a mapped one, none of it counts as this process's memory.
     *
     * @throws InvalidInputException as {@link #numbers}; the numbers themselves throw it if the disk cannot be read
     */
    HostSource stream(String name);

    /** Lets go of the files. Tensors that were handed out stay valid. */
    @Override
    void close();
}
