/** Phi-Mamba and hybrid students as goombalab keeps them. */
@NullMarked
package org.mohawk4j.models.phimamba;

import org.jspecify.annotations.NullMarked;
