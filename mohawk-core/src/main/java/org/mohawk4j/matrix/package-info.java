/** Sequence mixers as matrices along time, and the distance between two of them: the heart of MOHAWK. */
@NullMarked
package org.mohawk4j.matrix;

import org.jspecify.annotations.NullMarked;
