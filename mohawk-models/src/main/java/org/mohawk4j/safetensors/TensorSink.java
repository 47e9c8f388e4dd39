package org.mohawk4j.safetensors;

import java.io.Closeable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.types.HostSource;

/**
 * Where declared tensors are written, each once, in any order. Nothing appears under its final name before
 * {@link #commit()}; a sink that is closed without it leaves nothing behind.
 */
public interface TensorSink extends Closeable {
    /**
     * Writes one tensor; its bytes are on their way to disk when this returns.
     *
     * @throws IllegalArgumentException if the name was not declared, or dtype or shape differ from its declaration
     * @throws IllegalStateException if it was written before, or the sink is closed
     * @throws InvalidInputException if the disk refuses
     */
    void write(String name, HostSource tensor);

    /**
     * Makes what was written durable and visible, and closes the sink.
     *
     * @throws IllegalStateException if a declared tensor is still missing, or the sink is closed
     * @throws InvalidInputException if the disk refuses
     */
    void commit();

    /** Discards what was written, unless it was committed. */
    @Override
    void close();
}
