/** Building blocks with parameters: the tree of modules, linear maps, norms, convolutions, embeddings. */
@NullMarked
package org.mohawk4j.layer;

import org.jspecify.annotations.NullMarked;
