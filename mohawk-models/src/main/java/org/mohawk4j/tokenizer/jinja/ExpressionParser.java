package org.mohawk4j.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;
import org.mohawk4j.tokenizer.jinja.value.Tuple;
import org.mohawk4j.tokenizer.jinja.value.Undefined;
import org.mohawk4j.tokenizer.jinja.value.Values;

/** Turns tokens into expressions, with Jinja's precedence: filters and tests bind closer than arithmetic. */
final class ExpressionParser {
    /** So deep may an expression be nested that a hostile one does not exhaust the stack. */
    private static final int MOST_NESTED = 200;

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenReader tokens;
    private final OperandParser operands;
    private int nested;

    ExpressionParser(TokenReader tokens) {
        this.tokens = tokens;
        this.operands = new OperandParser(tokens, this);
    }

    /** An expression, or several with commas between, which are a tuple. */
    Expression parseTuple() {
        Expression first = parse();
        if (!tokens.isOperator(",")) {
            return first;
        }
        List<Expression> all = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (isEnd()) {
                break;
            }
            all.add(parse());
        }
        return scope -> new Tuple(evaluate(all, scope));
    }

    /** As {@link #parseTuple}; what goes wrong is told with its line. */
    Expression parseWhole() {
        return Expression.located(tokens.peek().line(), parseTuple());
    }

    private boolean isEnd() {
        Kind kind = tokens.peek().kind();
        return kind == Kind.BLOCK_END || kind == Kind.VARIABLE_END || tokens.isOperator(")") || tokens.isOperator("=");
    }

    static List<@Nullable Object> evaluate(List<Expression> all, Scope scope) {
        List<@Nullable Object> values = new ArrayList<>();
        all.forEach(each -> values.add(each.evaluate(scope)));
        return values;
    }

    /** {@code a if b else c}, or what binds closer. */
    Expression parse() {
        if (++nested > MOST_NESTED) {
            throw new TemplateException(
                    tokens.peek().line(), "expected at most " + MOST_NESTED + " nested expressions");
        }
        Expression value = parseOr();
        while (tokens.skipName("if")) {
            Expression yes = value;
            Expression condition = parseOr();
            Expression no = tokens.skipName("else") ? parse() : scope -> new Undefined("the other case of an if");
            value = scope -> (Values.isTrue(condition.evaluate(scope)) ? yes : no).evaluate(scope);
        }
        nested--;
        return value;
    }

    /** Without {@code if}, which may stand behind what a loop goes through. */
    Expression parseOr() {
        Expression left = parseAnd();
        while (tokens.skipName("or")) {
            Expression first = left;
            Expression second = parseAnd();
            left = scope -> {
                Object value = first.evaluate(scope);
                return Values.isTrue(value) ? value : second.evaluate(scope);
            };
        }
        return left;
    }

    private Expression parseAnd() {
        Expression left = parseNot();
        while (tokens.skipName("and")) {
            Expression first = left;
            Expression second = parseNot();
            left = scope -> {
                Object value = first.evaluate(scope);
                return Values.isTrue(value) ? second.evaluate(scope) : value;
            };
        }
        return left;
    }

    private Expression parseNot() {
        int negations = 0;
        while (tokens.skipName("not")) {
            negations++;
        }
        Expression value = parseComparison();
        if (negations == 0) {
            return value;
        }
        boolean negated = negations % 2 == 1;
        return scope -> Values.isTrue(value.evaluate(scope)) != negated;
    }

    private interface Comparison {
        boolean holds(@Nullable Object a, @Nullable Object b);
    }

    /** {@code a < b < c} holds if each pair does. */
    private Expression parseComparison() {
        Expression first = parseSum();
        List<Comparison> comparisons = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            if (tokens.peek().kind() == Kind.OPERATOR
                    && COMPARISONS.contains(tokens.peek().text())) {
                comparisons.add(comparison(tokens.next().text()));
            } else if (tokens.skipName("in")) {
                comparisons.add((a, b) -> Values.contains(b, a));
            } else if (tokens.isName("not") && tokens.peekNext().is(Kind.NAME, "in")) {
                tokens.next();
                tokens.next();
                comparisons.add((a, b) -> !Values.contains(b, a));
            } else {
                break;
            }
            others.add(parseSum());
        }
        if (comparisons.isEmpty()) {
            return first;
        }
        return scope -> {
            Object left = first.evaluate(scope);
            for (int i = 0; i < comparisons.size(); i++) {
                Object right = others.get(i).evaluate(scope);
                if (!comparisons.get(i).holds(left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private static Comparison comparison(String operator) {
        return switch (operator) {
            case "==" -> Values::equal;
            case "!=" -> (a, b) -> !Values.equal(a, b);
            case "<" -> (a, b) -> Values.compare(a, b) < 0;
            case "<=" -> (a, b) -> Values.compare(a, b) <= 0;
            case ">" -> (a, b) -> Values.compare(a, b) > 0;
            default -> (a, b) -> Values.compare(a, b) >= 0;
        };
    }

    private Expression parseSum() {
        Expression left = parseConcatenation();
        while (tokens.isOperator("+") || tokens.isOperator("-")) {
            left = calculation(tokens.next().text(), left, parseConcatenation());
        }
        return left;
    }

    private Expression parseConcatenation() {
        Expression left = parseProduct();
        while (tokens.skipOperator("~")) {
            Expression first = left;
            Expression second = parseProduct();
            left = scope -> Values.text(first.evaluate(scope)) + Values.text(second.evaluate(scope));
        }
        return left;
    }

    private Expression parseProduct() {
        Expression left = parseUnary(true);
        while (tokens.isOperator("*") || tokens.isOperator("/") || tokens.isOperator("//") || tokens.isOperator("%")) {
            left = calculation(tokens.next().text(), left, parseUnary(true));
        }
        return left;
    }

    private static Expression calculation(String operator, Expression left, Expression right) {
        return scope -> Values.calculate(operator, left.evaluate(scope), right.evaluate(scope));
    }

    private Expression parseUnary(boolean withFilters) {
        Expression value;
        if (tokens.isOperator("-") || tokens.isOperator("+")) {
            String sign = tokens.next().text();
            Expression operand = parseUnary(false);
            value = scope -> Values.calculate(sign, 0L, operand.evaluate(scope));
        } else {
            value = operands.parseValue();
        }
        return withFilters ? operands.parseFilters(value) : value;
    }

    /** A filter's name and arguments, applied to a value. */
    Expression parseFilter(Expression value) {
        return operands.parseFilter(value);
    }
}
