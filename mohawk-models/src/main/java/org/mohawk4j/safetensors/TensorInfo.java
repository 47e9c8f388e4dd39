package org.mohawk4j.safetensors;

import java.nio.file.Path;
import org.mohawk4j.tensor.types.Shape;

/**
 * The description of a tensor in a file.
 *
 * @param file the file that holds it
 * @param offset position of the first byte in that file
 * @param byteLength bytes that it takes
 */
public record TensorInfo(String name, SafetensorsDtype dtype, Shape shape, Path file, long offset, long byteLength) {}
