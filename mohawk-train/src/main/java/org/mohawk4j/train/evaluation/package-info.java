/** Judging models: perplexity, and parity with numbers that another implementation wrote. */
@NullMarked
package org.mohawk4j.train.evaluation;

import org.jspecify.annotations.NullMarked;
