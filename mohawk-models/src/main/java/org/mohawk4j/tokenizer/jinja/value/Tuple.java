package org.mohawk4j.tokenizer.jinja.value;

import java.util.AbstractList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A list that cannot be changed, and is shown in parentheses. */
public final class Tuple extends AbstractList<@Nullable Object> {
    private final List<@Nullable Object> elements;

    public Tuple(List<@Nullable Object> elements) {
        this.elements = elements;
    }

    @Override
    public @Nullable Object get(int index) {
        return elements.get(index);
    }

    @Override
    public int size() {
        return elements.size();
    }
}
