/** Learning rates along the steps of a stage. */
@NullMarked
package org.mohawk4j.train.schedule;

import org.jspecify.annotations.NullMarked;
