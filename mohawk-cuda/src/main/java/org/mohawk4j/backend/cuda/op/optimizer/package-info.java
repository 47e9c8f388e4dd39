/** AdamW and the norm of gradients. */
@NullMarked
package org.mohawk4j.backend.cuda.op.optimizer;

import org.jspecify.annotations.NullMarked;
