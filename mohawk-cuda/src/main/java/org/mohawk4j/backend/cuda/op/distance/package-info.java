/** The distances of stages 1 and 2 and of hidden states, and sums along diagonals. */
@NullMarked
package org.mohawk4j.backend.cuda.op.distance;

import org.jspecify.annotations.NullMarked;
