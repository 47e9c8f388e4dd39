package org.mohawk4j.tokenizer.jinja;

import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;

/** A part of a template that has a value. */
@FunctionalInterface
interface Expression {
    @Nullable Object evaluate(Scope scope);

    /** The same; what goes wrong within is told with its line. */
    static Expression located(int line, Expression inner) {
        return scope -> {
            try {
                return inner.evaluate(scope);
            } catch (TemplateException e) {
                throw e.at(line);
            }
        };
    }
}
