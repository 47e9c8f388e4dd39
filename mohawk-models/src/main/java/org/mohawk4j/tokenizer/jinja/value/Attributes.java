package org.mohawk4j.tokenizer.jinja.value;

import org.jspecify.annotations.Nullable;

/** A value with attributes of its own. */
interface Attributes {
    /** The value of an attribute, or {@link Undefined}. */
    @Nullable Object attribute(String name);
}
