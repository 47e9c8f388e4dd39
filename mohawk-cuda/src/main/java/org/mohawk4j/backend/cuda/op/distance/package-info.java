/** The distances of stages 1 and 2. */
@NullMarked
package org.mohawk4j.backend.cuda.op.distance;

import org.jspecify.annotations.NullMarked;
