/** Learning rates over the steps of a stage, as ND4J schedules. */
@NullMarked
package org.mohawk4j.train.schedule;

import org.jspecify.annotations.NullMarked;
