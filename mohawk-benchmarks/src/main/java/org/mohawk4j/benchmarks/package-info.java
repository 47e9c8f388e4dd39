/** Measurements of speed and memory. Each prints one line of JSON; {@code docs/performance.md} has the commands. */
@NullMarked
package org.mohawk4j.benchmarks;

import org.jspecify.annotations.NullMarked;
