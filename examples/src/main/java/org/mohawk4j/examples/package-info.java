/** Programs to read and to copy. */
@NullMarked
package org.mohawk4j.examples;

import org.jspecify.annotations.NullMarked;
