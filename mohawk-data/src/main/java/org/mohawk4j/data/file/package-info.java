/** Bytes of text files: unpacked and decoded, damage and bombs refused. */
@NullMarked
package org.mohawk4j.data.file;

import org.jspecify.annotations.NullMarked;
