/** The losses of the three stages, and the distributions that they compare. */
@NullMarked
package org.mohawk4j.op.loss;

import org.jspecify.annotations.NullMarked;
