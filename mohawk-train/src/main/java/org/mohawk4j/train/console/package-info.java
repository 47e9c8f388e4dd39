/** Progress bars and the summary of a run, for terminals and logs. */
@NullMarked
package org.mohawk4j.train.console;

import org.jspecify.annotations.NullMarked;
