/** Judging models: perplexity here; log-likelihoods, tasks, fidelity to a teacher and the server in subpackages. */
@NullMarked
package org.mohawk4j.eval;

import org.jspecify.annotations.NullMarked;
