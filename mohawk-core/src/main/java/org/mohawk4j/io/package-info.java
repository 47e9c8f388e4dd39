/** Files: strict reading, atomic writing, JSON, JSON lines, hashes. */
@NullMarked
package org.mohawk4j.io;

import org.jspecify.annotations.NullMarked;
