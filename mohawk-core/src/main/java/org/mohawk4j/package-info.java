/** What every module of mohawk4j shares. */
@NullMarked
package org.mohawk4j;

import org.jspecify.annotations.NullMarked;
