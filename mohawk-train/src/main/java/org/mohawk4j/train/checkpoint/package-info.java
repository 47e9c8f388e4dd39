/** What a run can go on from, on disk: whole or not there, checked by SHA-256, the newest few kept. */
@NullMarked
package org.mohawk4j.train.checkpoint;

import org.jspecify.annotations.NullMarked;
