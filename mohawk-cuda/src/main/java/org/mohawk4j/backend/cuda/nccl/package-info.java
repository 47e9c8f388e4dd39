/** Collective operations of several GPUs by NCCL. */
@NullMarked
package org.mohawk4j.backend.cuda.nccl;

import org.jspecify.annotations.NullMarked;
