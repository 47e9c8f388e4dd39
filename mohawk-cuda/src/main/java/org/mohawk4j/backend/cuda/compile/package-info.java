/** CUDA sources, their compilation by NVRTC, the kernel cache, and launches. */
@NullMarked
package org.mohawk4j.backend.cuda.compile;

import org.jspecify.annotations.NullMarked;
