/** Causal attention and rotary embedding. */
@NullMarked
package org.mohawk4j.backend.cuda.op.attention;

import org.jspecify.annotations.NullMarked;
