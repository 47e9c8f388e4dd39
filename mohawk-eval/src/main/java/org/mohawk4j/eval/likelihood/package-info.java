/** How likely a model finds given tokens: what tasks are scored by, and what a server answers with. */
@NullMarked
package org.mohawk4j.eval.likelihood;

import org.jspecify.annotations.NullMarked;
