/** What turns gradients into better parameters. */
@NullMarked
package org.mohawk4j.train.optimizer;

import org.jspecify.annotations.NullMarked;
