/** Layer norm and residual sums. */
@NullMarked
package org.mohawk4j.backend.cuda.op.norm;

import org.jspecify.annotations.NullMarked;
