/** Element types, shapes, and numbers on the host. */
@NullMarked
package org.mohawk4j.tensor.types;

import org.jspecify.annotations.NullMarked;
