/** Options that several subcommands share: those of the configuration, and of the model to load. */
@NullMarked
package org.mohawk4j.cli.option;

import org.jspecify.annotations.NullMarked;
