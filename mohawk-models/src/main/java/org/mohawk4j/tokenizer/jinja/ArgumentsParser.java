package org.mohawk4j.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.Arguments;

/** Reads what stands in the parentheses of a call. */
final class ArgumentsParser {
    private final TokenReader tokens;
    private final ExpressionParser expressions;

    ArgumentsParser(TokenReader tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    /** Arguments that are still to be evaluated. */
    record Given(List<Expression> positional, Map<String, Expression> named) {
        static final Given NONE = new Given(List.of(), Map.of());

        Arguments evaluate(Scope scope) {
            if (positional.isEmpty() && named.isEmpty()) {
                return Arguments.NONE;
            }
            List<@Nullable Object> values = new ArrayList<>();
            positional.forEach(each -> values.add(each.evaluate(scope)));
            Map<String, @Nullable Object> byName = new LinkedHashMap<>();
            named.forEach((name, each) -> byName.put(name, each.evaluate(scope)));
            return new Arguments(values, byName);
        }
    }

    Given parse() {
        tokens.requireOperator("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        while (!tokens.skipOperator(")")) {
            if (tokens.peek().kind() == Kind.NAME && tokens.peekNext().is(Kind.OPERATOR, "=")) {
                String name = tokens.next().text();
                tokens.next();
                named.put(name, expressions.parse());
            } else {
                positional.add(expressions.parse());
            }
            if (!tokens.isOperator(")")) {
                tokens.requireOperator(",");
            }
        }
        return new Given(List.copyOf(positional), named);
    }
}
