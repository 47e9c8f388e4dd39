/** A run in DeepLearning4J's training UI. Begin at {@link TrainingUi}. */
@NullMarked
package org.mohawk4j.dl4j.ui;

import org.jspecify.annotations.NullMarked;
