/** A group of processes that are connected by TCP: how they find each other, and notice that one has failed. */
@NullMarked
package org.mohawk4j.train.distributed.tcp;

import org.jspecify.annotations.NullMarked;
