/** Matrix products by cuBLASLt, and the choice of algorithms. */
@NullMarked
package org.mohawk4j.backend.cuda.gemm;

import org.jspecify.annotations.NullMarked;
