package org.mohawk4j.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.Namespace;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;
import org.mohawk4j.tokenizer.jinja.value.Values;

/** Reads what {@code set} and {@code for} give values to. */
final class TargetParser {
    private final TokenReader tokens;

    TargetParser(TokenReader tokens) {
        this.tokens = tokens;
    }

    /** Where a value goes. */
    interface Target {
        void set(Scope scope, @Nullable Object value);
    }

    /** A name, an attribute of a namespace, or several with commas between. */
    Target parse() {
        List<Target> targets = new ArrayList<>();
        boolean isTuple = false;
        do {
            boolean parenthesized = tokens.skipOperator("(");
            targets.add(parenthesized ? parse() : parseName());
            if (parenthesized) {
                tokens.requireOperator(")");
            }
            isTuple |= tokens.isOperator(",");
        } while (tokens.skipOperator(",") && tokens.peek().kind() == Kind.NAME && !tokens.isName("in"));
        if (!isTuple) {
            return targets.get(0);
        }
        return (scope, value) -> {
            List<@Nullable Object> values = Values.elements(value);
            if (values.size() != targets.size()) {
                throw new TemplateException("expected " + targets.size() + " values to unpack, found " + values.size());
            }
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).set(scope, values.get(i));
            }
        };
    }

    /** A name, or an attribute of a namespace. */
    Target parseName() {
        int line = tokens.peek().line();
        String name = tokens.requireName();
        if (!tokens.skipOperator(".")) {
            return (scope, value) -> scope.set(name, value);
        }
        String attribute = tokens.requireName();
        return (scope, value) -> {
            if (!(scope.get(name) instanceof Namespace namespace)) {
                throw new TemplateException(
                        line,
                        "expected a namespace to set " + attribute + " of, found " + Values.repr(scope.get(name)));
            }
            namespace.set(attribute, value);
        };
    }
}
