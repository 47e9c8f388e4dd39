/** The mixers that a student may have: what a configuration names them by, their options, how they are saved. */
@NullMarked
package org.mohawk4j.models.mixer;

import org.jspecify.annotations.NullMarked;
