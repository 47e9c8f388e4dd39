/** Llamba, Llama's blocks around discrete Mamba-2, as Cartesia keeps it. */
@NullMarked
package org.mohawk4j.models.llamba;

import org.jspecify.annotations.NullMarked;
