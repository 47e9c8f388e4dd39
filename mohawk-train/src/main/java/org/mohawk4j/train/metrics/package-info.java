/** What is measured at each step, and its files. */
@NullMarked
package org.mohawk4j.train.metrics;

import org.jspecify.annotations.NullMarked;
