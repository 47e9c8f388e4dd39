package org.mohawk4j.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.Arguments;
import org.mohawk4j.tokenizer.jinja.value.Callable;
import org.mohawk4j.tokenizer.jinja.value.Filters;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;
import org.mohawk4j.tokenizer.jinja.value.Tests;
import org.mohawk4j.tokenizer.jinja.value.Tuple;
import org.mohawk4j.tokenizer.jinja.value.Undefined;
import org.mohawk4j.tokenizer.jinja.value.Values;

/** Turns tokens into what stands between operators: a name or literal with its attributes, calls, filters and tests. */
final class OperandParser {
    private static final Set<String> NO_ARGUMENT = Set.of("else", "or", "and", "is", "not", "if", "in");

    private final TokenReader tokens;
    private final ExpressionParser expressions;

    /** Arguments that are still to be evaluated. */
    private record Given(List<Expression> positional, Map<String, Expression> named) {
        static final Given NONE = new Given(List.of(), Map.of());

        Arguments evaluate(Scope scope) {
            Map<String, @Nullable Object> byName = new LinkedHashMap<>();
            named.forEach((name, each) -> byName.put(name, each.evaluate(scope)));
            return new Arguments(ExpressionParser.evaluate(positional, scope), byName);
        }
    }

    OperandParser(TokenReader tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    /** Without filters and tests. */
    Expression parseValue() {
        return parsePostfix(parsePrimary());
    }

    private Expression parsePrimary() {
        Token token = tokens.next();
        switch (token.kind()) {
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (tokens.peek().kind() == Kind.STRING) {
                    text.append(tokens.next().text());
                }
                String whole = text.toString();
                return scope -> whole;
            }
            case INTEGER -> {
                long number = number(token);
                return scope -> number;
            }
            case FLOAT -> {
                double number = Double.parseDouble(token.text());
                return scope -> number;
            }
            case NAME -> {
                return named(token.text());
            }
            case OPERATOR -> {
                switch (token.text()) {
                    case "(" -> {
                        return parseParentheses();
                    }
                    case "[" -> {
                        List<Expression> elements = parseList("]");
                        return scope -> ExpressionParser.evaluate(elements, scope);
                    }
                    case "{" -> {
                        return parseMap();
                    }
                    default -> throw wrong(token);
                }
            }
            default -> throw wrong(token);
        }
    }

    private static TemplateException wrong(Token token) {
        return new TemplateException(token.line(), "expected an expression, found " + token.shown());
    }

    private static long number(Token token) {
        try {
            return Long.parseLong(token.text());
        } catch (NumberFormatException e) {
            throw new TemplateException(token.line(), "expected a number of 64 bits, found " + token.text());
        }
    }

    private static Expression named(String name) {
        return switch (name) {
            case "true", "True" -> scope -> true;
            case "false", "False" -> scope -> false;
            case "none", "None" -> scope -> null;
            default -> scope -> scope.get(name);
        };
    }

    private Expression parseParentheses() {
        if (tokens.skipOperator(")")) {
            return scope -> new Tuple(List.of());
        }
        Expression inner = expressions.parseTuple();
        tokens.requireOperator(")");
        return inner;
    }

    private List<Expression> parseList(String end) {
        List<Expression> elements = new ArrayList<>();
        while (!tokens.skipOperator(end)) {
            elements.add(expressions.parse());
            if (!tokens.isOperator(end)) {
                tokens.requireOperator(",");
            }
        }
        return elements;
    }

    private Expression parseMap() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.skipOperator("}")) {
            keys.add(expressions.parse());
            tokens.requireOperator(":");
            values.add(expressions.parse());
            if (!tokens.isOperator("}")) {
                tokens.requireOperator(",");
            }
        }
        return scope -> {
            Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                map.put(keys.get(i).evaluate(scope), values.get(i).evaluate(scope));
            }
            return map;
        };
    }

    /** {@code object.name}, or {@code object.0}, which is an item. */
    private Expression parseMember(Expression object) {
        if (tokens.peek().kind() == Kind.INTEGER) {
            long index = number(tokens.next());
            return scope -> Values.item(object.evaluate(scope), index);
        }
        String name = tokens.requireName();
        return scope -> Values.attribute(object.evaluate(scope), name);
    }

    private Expression parsePostfix(Expression primary) {
        Expression value = primary;
        while (true) {
            Expression object = value;
            int line = tokens.peek().line();
            if (tokens.skipOperator(".")) {
                value = Expression.located(line, parseMember(object));
            } else if (tokens.skipOperator("[")) {
                value = Expression.located(line, parseSubscript(object));
            } else if (tokens.isOperator("(")) {
                Given arguments = parseArguments();
                value = Expression.located(line, scope -> call(object.evaluate(scope), arguments.evaluate(scope)));
            } else {
                return value;
            }
        }
    }

    private static @Nullable Object call(@Nullable Object function, Arguments arguments) {
        if (function instanceof Callable callable) {
            return callable.call(arguments);
        }
        if (function instanceof Undefined missing) {
            throw missing.used();
        }
        throw new TemplateException("expected a function to call, found " + Values.repr(function));
    }

    private Given parseArguments() {
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

    private Expression parseSubscript(Expression object) {
        @Nullable Expression[] bounds = new Expression[3];
        int colons = 0;
        while (!tokens.isOperator("]")) {
            if (tokens.skipOperator(":")) {
                colons++;
            } else if (bounds[Math.min(colons, 2)] == null && colons <= 2) {
                bounds[colons] = expressions.parseTuple();
            } else {
                throw tokens.unexpected("']'");
            }
        }
        tokens.requireOperator("]");
        Expression from = bounds[0];
        if (colons == 0 && from != null) {
            return scope -> Values.item(object.evaluate(scope), from.evaluate(scope));
        }
        if (colons == 0 || colons > 2) {
            throw tokens.unexpected("a key or a slice in brackets");
        }
        Expression to = bounds[1];
        Expression step = bounds[2];
        return scope ->
                Values.slice(object.evaluate(scope), evaluate(from, scope), evaluate(to, scope), evaluate(step, scope));
    }

    private static @Nullable Object evaluate(@Nullable Expression expression, Scope scope) {
        return expression == null ? null : expression.evaluate(scope);
    }

    /** Filters and tests, in their order. */
    Expression parseFilters(Expression operand) {
        Expression value = operand;
        while (tokens.isOperator("|") || tokens.isName("is")) {
            int line = tokens.peek().line();
            value = Expression.located(line, tokens.next().text().equals("|") ? parseFilter(value) : parseTest(value));
            value = parsePostfix(value);
        }
        return value;
    }

    /** A filter's name and arguments, applied to a value. */
    Expression parseFilter(Expression value) {
        int line = tokens.peek().line();
        String name = tokens.requireName();
        if (!Filters.isKnown(name)) {
            throw new TemplateException(line, "no filter is named '" + name + "'");
        }
        Given arguments = tokens.isOperator("(") ? parseArguments() : Given.NONE;
        return scope -> Filters.apply(name, value.evaluate(scope), arguments.evaluate(scope));
    }

    private Expression parseTest(Expression value) {
        boolean negated = tokens.skipName("not");
        int line = tokens.peek().line();
        String name = tokens.requireName();
        if (!Tests.isKnown(name)) {
            throw new TemplateException(line, "no test is named '" + name + "'");
        }
        Given arguments = Given.NONE;
        Token next = tokens.peek();
        if (tokens.isOperator("(")) {
            arguments = parseArguments();
        } else if (next.kind() == Kind.STRING
                || next.kind() == Kind.INTEGER
                || next.kind() == Kind.FLOAT
                || (next.kind() == Kind.NAME && !NO_ARGUMENT.contains(next.text()))
                || tokens.isOperator("[")
                || tokens.isOperator("{")) {
            arguments = new Given(List.of(parseValue()), Map.of());
        }
        Given given = arguments;
        return scope -> Tests.holds(name, value.evaluate(scope), given.evaluate(scope)) != negated;
    }
}
