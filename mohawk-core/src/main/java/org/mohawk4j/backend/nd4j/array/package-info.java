/** The ND4J backend's arrays, their pool, and how ND4J is called. */
@NullMarked
package org.mohawk4j.backend.nd4j.array;

import org.jspecify.annotations.NullMarked;
