/**
 * A model behind HTTP, as evaluation clients expect it: OpenAI's {@code /v1/completions} and {@code /v1/models} on the
 * JDK's own server. Requests are read and answered on threads of the server; the model has one thread, and a bounded
 * queue before it.
 */
@NullMarked
package org.mohawk4j.eval.serve;

import org.jspecify.annotations.NullMarked;
