/** Writing text with a model: sampling, and generation with recurrent state and key/value cache. */
@NullMarked
package org.mohawk4j.generation;

import org.jspecify.annotations.NullMarked;
