/** Phi teachers as Hugging Face keeps them. */
@NullMarked
package org.mohawk4j.models.phi;

import org.jspecify.annotations.NullMarked;
