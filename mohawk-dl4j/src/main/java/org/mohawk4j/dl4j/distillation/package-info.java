/** Stages 1 and 2 between layers of DeepLearning4J networks. Begin at {@link LayerDistillation}. */
@NullMarked
package org.mohawk4j.dl4j.distillation;

import org.jspecify.annotations.NullMarked;
