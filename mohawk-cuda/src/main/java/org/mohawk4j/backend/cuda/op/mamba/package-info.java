/** The semiseparable product and what stands around it in a Mamba-2 mixer. */
@NullMarked
package org.mohawk4j.backend.cuda.op.mamba;

import org.jspecify.annotations.NullMarked;
