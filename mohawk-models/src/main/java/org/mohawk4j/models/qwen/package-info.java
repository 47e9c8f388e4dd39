/** Qwen 2, 2.5 and 3: Llama with biases on queries, keys and values, or with norms of queries and keys. */
@NullMarked
package org.mohawk4j.models.qwen;

import org.jspecify.annotations.NullMarked;
