/** Examples of mixers in DeepLearning4J networks, each a main class. */
@NullMarked
package org.mohawk4j.dl4j.examples;

import org.jspecify.annotations.NullMarked;
