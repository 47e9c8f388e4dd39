/** Training by several ranks, one per device. */
@NullMarked
package org.mohawk4j.train.distributed;

import org.jspecify.annotations.NullMarked;
