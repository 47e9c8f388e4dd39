/** OLMo 2: norms behind mixer and MLP, and norms of queries and keys over all heads together. */
@NullMarked
package org.mohawk4j.models.olmo;

import org.jspecify.annotations.NullMarked;
