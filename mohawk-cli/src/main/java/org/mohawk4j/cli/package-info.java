/** The {@code mohawk} command and its subcommands. */
@NullMarked
package org.mohawk4j.cli;

import org.jspecify.annotations.NullMarked;
