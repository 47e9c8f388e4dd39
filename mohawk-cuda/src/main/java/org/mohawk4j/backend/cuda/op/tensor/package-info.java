/** Elementwise operations, reductions, layout, casts and copies. */
@NullMarked
package org.mohawk4j.backend.cuda.op.tensor;

import org.jspecify.annotations.NullMarked;
