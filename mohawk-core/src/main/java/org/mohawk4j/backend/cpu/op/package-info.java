/** Fused operations on the CPU, in float32, on the memory of whichever backend holds the arrays. */
@NullMarked
package org.mohawk4j.backend.cpu.op;

import org.jspecify.annotations.NullMarked;
