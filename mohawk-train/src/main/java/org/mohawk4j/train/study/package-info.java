/** Studies: experiments of many measurements on a user's own teacher, with a page each. */
@NullMarked
package org.mohawk4j.train.study;

import org.jspecify.annotations.NullMarked;
