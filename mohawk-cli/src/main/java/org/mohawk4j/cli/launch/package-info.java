/** Starts the ranks of a run on one machine. */
@NullMarked
package org.mohawk4j.cli.launch;

import org.jspecify.annotations.NullMarked;
