/** The tiny teacher that is shipped, and text that a teacher writes itself. */
@NullMarked
package org.mohawk4j.train.sample;

import org.jspecify.annotations.NullMarked;
