/** Structured matrices fitted to given ones, in double on the host. */
@NullMarked
package org.mohawk4j.train.study.fit;

import org.jspecify.annotations.NullMarked;
