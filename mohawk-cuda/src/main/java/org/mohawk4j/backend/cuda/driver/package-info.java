/** The CUDA driver: device, context, events, errors. */
@NullMarked
package org.mohawk4j.backend.cuda.driver;

import org.jspecify.annotations.NullMarked;
