package org.mohawk4j.tokenizer.jinja.value;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The result of {@code namespace(…)}: the only value whose attributes a template can set. */
public final class Namespace implements Attributes {
    private final Map<String, @Nullable Object> names = new HashMap<>();

    Namespace(Map<String, @Nullable Object> names) {
        this.names.putAll(names);
    }

    public void set(String name, @Nullable Object value) {
        names.put(name, value);
    }

    @Override
    public @Nullable Object attribute(String name) {
        return names.containsKey(name) ? names.get(name) : new Undefined(name);
    }
}
