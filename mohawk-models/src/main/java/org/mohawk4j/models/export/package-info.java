/** Models for other software: folders that transformers opens with classes of ours, and what is written beside them. */
@NullMarked
package org.mohawk4j.models.export;

import org.jspecify.annotations.NullMarked;
