/**
 * The ND4J backend: CPUs through nd4j-native, and the GPUs that ND4J's own CUDA backend has machine code for. Arrays
 * are always contiguous and row-major, since ND4J's operations on strided views are many times slower.
 */
@NullMarked
package org.mohawk4j.backend.nd4j;

import org.jspecify.annotations.NullMarked;
