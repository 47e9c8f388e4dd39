/** Device memory: arrays, the stream-ordered pool, graph capture, transfers that nobody waits for. */
@NullMarked
package org.mohawk4j.backend.cuda.memory;

import org.jspecify.annotations.NullMarked;
