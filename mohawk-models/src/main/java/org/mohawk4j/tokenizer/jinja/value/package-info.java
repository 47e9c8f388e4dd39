/** Values of Jinja templates with Python's operators, methods and text; filters, tests and global functions. */
@NullMarked
package org.mohawk4j.tokenizer.jinja.value;

import org.jspecify.annotations.NullMarked;
