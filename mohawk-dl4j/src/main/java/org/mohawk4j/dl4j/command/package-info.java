/** The commands of {@code ./mohawk} that need DeepLearning4J. */
@NullMarked
package org.mohawk4j.dl4j.command;

import org.jspecify.annotations.NullMarked;
