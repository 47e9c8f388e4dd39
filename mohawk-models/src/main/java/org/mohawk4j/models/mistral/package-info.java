/** Mistral: Llama with a window. */
@NullMarked
package org.mohawk4j.models.mistral;

import org.jspecify.annotations.NullMarked;
