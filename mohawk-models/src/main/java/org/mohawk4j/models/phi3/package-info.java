/** Phi-3 and Phi-4-mini: Llama with fused projections, a window, and LongRoPE on part of each head. */
@NullMarked
package org.mohawk4j.models.phi3;

import org.jspecify.annotations.NullMarked;
