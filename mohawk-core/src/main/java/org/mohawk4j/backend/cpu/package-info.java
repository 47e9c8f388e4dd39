/** What fused operations on the CPU are made of: threads, rows of numbers, single-threaded matrix products, raw memory. */
@NullMarked
package org.mohawk4j.backend.cpu;

import org.jspecify.annotations.NullMarked;
