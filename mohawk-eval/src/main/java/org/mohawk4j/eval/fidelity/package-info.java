/** How close a student is to its teacher: matrix by matrix, layer by layer, position by position, token by token. */
@NullMarked
package org.mohawk4j.eval.fidelity;

import org.jspecify.annotations.NullMarked;
