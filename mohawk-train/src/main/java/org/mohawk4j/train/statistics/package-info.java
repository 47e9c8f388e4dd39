/** What parameters, gradients, updates and activations look like during a run: {@code statistics.jsonl}. */
@NullMarked
package org.mohawk4j.train.statistics;

import org.jspecify.annotations.NullMarked;
