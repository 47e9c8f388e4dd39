/** What a run will need and how long it will take, before anything is computed. */
@NullMarked
package org.mohawk4j.train.plan;

import org.jspecify.annotations.NullMarked;
