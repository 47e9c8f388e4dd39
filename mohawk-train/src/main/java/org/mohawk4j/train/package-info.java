/** Distilling a teacher into a student: the training loop and the whole method around it. */
@NullMarked
package org.mohawk4j.train;

import org.jspecify.annotations.NullMarked;
