/** Sequence mixers: the part of a block that moves information along time. Subclass {@link MatrixMixer} to add one. */
@NullMarked
package org.mohawk4j.mixer;

import org.jspecify.annotations.NullMarked;
