/** Token files: ids prepared before, memory-mapped, every part of them under a checksum. */
@NullMarked
package org.mohawk4j.data.tokens;

import org.jspecify.annotations.NullMarked;
