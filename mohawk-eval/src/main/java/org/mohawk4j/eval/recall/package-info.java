/** Recall: whether a model finds again what stands in its context. */
@NullMarked
package org.mohawk4j.eval.recall;

import org.jspecify.annotations.NullMarked;
