/** Building blocks with parameters: the tree of modules, linear maps, norms, convolutions, embeddings. */
@NullMarked
package org.mohawk4j.nn;

import org.jspecify.annotations.NullMarked;
