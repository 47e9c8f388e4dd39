/** Comparison with golden data that another implementation computed. */
@NullMarked
package org.mohawk4j.train.parity;

import org.jspecify.annotations.NullMarked;
