/** Causal language models of blocks with a mixer each, and the folders they are kept in. */
@NullMarked
package org.mohawk4j.models;

import org.jspecify.annotations.NullMarked;
