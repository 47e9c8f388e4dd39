package org.mohawk4j.tokenizer.jinja.value;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a function, filter or test is called with. */
public record Arguments(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    public boolean has(int index, String name) {
        return index < positional.size() || named.containsKey(name);
    }

    /** The argument at a place, or of a name. */
    public @Nullable Object get(int index, String name, @Nullable Object otherwise) {
        if (index < positional.size()) {
            return positional.get(index);
        }
        return named.containsKey(name) ? named.get(name) : otherwise;
    }

    @Nullable Object require(int index, String name) {
        if (!has(index, name)) {
            throw new TemplateException("expected an argument " + name + ", found none");
        }
        return get(index, name, null);
    }

    String text(int index, String name) {
        Object value = require(index, name);
        if (value instanceof String text) {
            return text;
        }
        throw new TemplateException("expected a text as " + name + ", found " + Values.repr(value));
    }

    int whole(int index, String name, int otherwise) {
        Object value = get(index, name, (long) otherwise);
        return Math.toIntExact(Numbers.whole(value == null ? (long) otherwise : value));
    }

    /** Those from a place on, as arguments of another call. */
    Arguments from(int index) {
        return new Arguments(positional.subList(Math.min(index, positional.size()), positional.size()), named);
    }
}
