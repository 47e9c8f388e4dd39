/** Texts of any size as one endless stream of shuffled windows, read ahead on other threads, in an order of its own. */
@NullMarked
package org.mohawk4j.data.stream;

import org.jspecify.annotations.NullMarked;
