/** Texts in files: found, unpacked, cut into chunks that any thread can turn into token ids. */
@NullMarked
package org.mohawk4j.data.source;

import org.jspecify.annotations.NullMarked;
