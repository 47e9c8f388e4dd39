/** Text as packed windows of token ids, and batches of them. */
@NullMarked
package org.mohawk4j.data;

import org.jspecify.annotations.NullMarked;
