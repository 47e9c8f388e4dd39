/** The {@code mohawk} command and its subcommands. */
@NullMarked
package org.mohawk4j.examples;

import org.jspecify.annotations.NullMarked;
