package org.mohawk4j.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.value.Undefined;

/** Names in force: those of a loop or macro, over those around it. */
final class Scope {
    private final @Nullable Scope around;
    private final Map<String, @Nullable Object> names = new HashMap<>();

    private Scope(@Nullable Scope around) {
        this.around = around;
    }

    static Scope of(Map<String, ? extends @Nullable Object> names) {
        Scope scope = new Scope(null);
        scope.names.putAll(names);
        return scope;
    }

    Scope inner() {
        return new Scope(this);
    }

    void set(String name, @Nullable Object value) {
        names.put(name, value);
    }

    @Nullable Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.around) {
            if (scope.names.containsKey(name)) {
                return scope.names.get(name);
            }
        }
        return new Undefined("'" + name + "'");
    }
}
