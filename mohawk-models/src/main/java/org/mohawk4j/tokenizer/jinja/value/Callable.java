package org.mohawk4j.tokenizer.jinja.value;

import org.jspecify.annotations.Nullable;

/** A function, macro or bound method. */
@FunctionalInterface
public interface Callable {
    @Nullable Object call(Arguments arguments);
}
