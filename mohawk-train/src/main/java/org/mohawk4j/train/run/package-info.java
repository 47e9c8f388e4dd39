/** The folder of a run: what it reads, what it leaves behind, and how it is saved and put back. */
@NullMarked
package org.mohawk4j.train.run;

import org.jspecify.annotations.NullMarked;
