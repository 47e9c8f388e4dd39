/** Tensors in files: the safetensors format, one file or a folder of shards, read by memory mapping, written in a stream. */
@NullMarked
package org.mohawk4j.safetensors;

import org.jspecify.annotations.NullMarked;
