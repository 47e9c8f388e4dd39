/**
 * The operations that backends may fuse, one class each: {@code reference} is the plain composition that defines the
 * result and its gradient, {@code apply} runs the backend's kernel if it has one and the composition if not.
 *
 * <p>Letters: B batch, T time, D model width, H heads, G groups of heads, P head width, N state size, V vocabulary,
 * Q chunk length, K convolution width, R rows.
 */
@NullMarked
package org.mohawk4j.op;

import org.jspecify.annotations.NullMarked;
