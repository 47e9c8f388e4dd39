/** Linear maps, MLPs, and the projections of a generated token. */
@NullMarked
package org.mohawk4j.backend.cuda.op.linear;

import org.jspecify.annotations.NullMarked;
