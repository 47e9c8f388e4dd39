/** The loss of stage 3. */
@NullMarked
package org.mohawk4j.backend.cuda.op.loss;

import org.jspecify.annotations.NullMarked;
