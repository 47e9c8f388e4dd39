/** Data, listeners and weights of a run, as DL4J and ND4J know them. */
@NullMarked
package org.mohawk4j.dl4j.run;

import org.jspecify.annotations.NullMarked;
