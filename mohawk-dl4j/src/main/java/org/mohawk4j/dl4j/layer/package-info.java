/** Mixers as layers of DeepLearning4J networks. Begin at {@link MatrixMixerLayer}. */
@NullMarked
package org.mohawk4j.dl4j.layer;

import org.jspecify.annotations.NullMarked;
