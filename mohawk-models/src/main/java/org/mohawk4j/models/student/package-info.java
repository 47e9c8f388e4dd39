/** Students in the blocks of any family, in a form of our own. */
@NullMarked
package org.mohawk4j.models.student;

import org.jspecify.annotations.NullMarked;
