/** Parser and renderer of Jinja templates, as far as chat templates use Jinja, with the results of Python's Jinja 3. */
@NullMarked
package org.mohawk4j.tokenizer.jinja;

import org.jspecify.annotations.NullMarked;
