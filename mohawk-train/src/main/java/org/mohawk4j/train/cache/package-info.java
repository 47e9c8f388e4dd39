/** What stages need of a teacher, computed once, kept in a file and replayed. */
@NullMarked
package org.mohawk4j.train.cache;

import org.jspecify.annotations.NullMarked;
