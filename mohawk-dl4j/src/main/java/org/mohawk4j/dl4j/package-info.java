/** DeepLearning4J and ND4J beside mohawk4j. */
@NullMarked
package org.mohawk4j.dl4j;

import org.jspecify.annotations.NullMarked;
