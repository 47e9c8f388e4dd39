/** What every operation works with. */
@NullMarked
package org.mohawk4j.backend.cuda.op;

import org.jspecify.annotations.NullMarked;
