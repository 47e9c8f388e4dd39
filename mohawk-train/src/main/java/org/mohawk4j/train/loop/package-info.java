/** Which steps must not be trained on: losses and gradients that are no numbers, losses that jump. */
@NullMarked
package org.mohawk4j.train.loop;

import org.jspecify.annotations.NullMarked;
