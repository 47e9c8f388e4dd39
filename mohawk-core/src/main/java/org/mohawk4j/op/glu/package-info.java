/** Gated linear units and what is around them, fused where a backend can. */
@NullMarked
package org.mohawk4j.op.glu;

import org.jspecify.annotations.NullMarked;
