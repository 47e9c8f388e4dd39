/** What a run is configured by and what it leaves behind: configuration, token budget, run folder, metrics. */
@NullMarked
package org.mohawk4j.train.run;

import org.jspecify.annotations.NullMarked;
