/**
 * What a compute backend provides: a few narrow interfaces of plain operations, and optional fused kernels. Arrays have
 * no gradient here; {@code org.mohawk4j.tensor} differentiates, and {@code org.mohawk4j.op} holds the plain
 * composition that each fused kernel must equal.
 */
@NullMarked
package org.mohawk4j.backend;

import org.jspecify.annotations.NullMarked;
