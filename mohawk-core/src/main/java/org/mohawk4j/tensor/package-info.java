/** Tensors, the scopes that own their memory, and the tape that differentiates them. */
@NullMarked
package org.mohawk4j.tensor;

import org.jspecify.annotations.NullMarked;
