/** ND4J's updaters for mohawk4j's training, and mohawk4j's AdamW for ND4J's. */
@NullMarked
package org.mohawk4j.dl4j.learning;

import org.jspecify.annotations.NullMarked;
