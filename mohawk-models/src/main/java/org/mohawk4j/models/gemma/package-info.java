/** Gemma 2 and 3: norms on both sides of mixer and MLP, a scaled embedding, windows, soft-caps. */
@NullMarked
package org.mohawk4j.models.gemma;

import org.jspecify.annotations.NullMarked;
