package org.mohawk4j.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.Statement.Flow;
import org.mohawk4j.tokenizer.jinja.TargetParser.Target;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.Callable;
import org.mohawk4j.tokenizer.jinja.value.LoopVariable;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;
import org.mohawk4j.tokenizer.jinja.value.Undefined;
import org.mohawk4j.tokenizer.jinja.value.Values;

/** Turns the tokens of a template into what it does. */
final class StatementParser {
    private static final String LOOP = "loop";

    private final TokenReader tokens;
    private final ExpressionParser expressions;
    private final TargetParser targets;
    private int loops;

    StatementParser(TokenReader tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
        this.targets = new TargetParser(tokens);
    }

    /** The whole template. */
    Statement parse() {
        Statement all = parseUntil(Set.of());
        tokens.require(Kind.END, "the end of the template");
        return all;
    }

    /** What stands before one of these tags, whose beginning is read. */
    private Statement parseUntil(Set<String> ends) {
        List<Statement> parts = new ArrayList<>();
        while (true) {
            Token token = tokens.peek();
            switch (token.kind()) {
                case DATA -> {
                    String text = tokens.next().text();
                    parts.add((scope, out) -> {
                        out.append(text);
                        return Flow.NEXT;
                    });
                }
                case VARIABLE_BEGIN -> parts.add(parseOutput());
                case BLOCK_BEGIN -> {
                    tokens.next();
                    if (tokens.peek().kind() == Kind.NAME
                            && ends.contains(tokens.peek().text())) {
                        return Statement.sequence(parts);
                    }
                    parts.add(parseTag());
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw tokens.unexpected("{% "
                                + String.join(
                                        " %} or {% ", ends.stream().sorted().toList()) + " %}");
                    }
                    return Statement.sequence(parts);
                }
            }
        }
    }

    private Statement parseOutput() {
        tokens.next();
        Expression value = expressions.parseWhole();
        tokens.require(Kind.VARIABLE_END, "}}");
        return output(value);
    }

    private static Statement output(Expression value) {
        return (scope, out) -> {
            out.append(Values.text(value.evaluate(scope)));
            return Flow.NEXT;
        };
    }

    private Statement parseTag() {
        int line = tokens.peek().line();
        String tag = tokens.requireName();
        return switch (tag) {
            case "if" -> parseIf();
            case "for" -> parseFor();
            case "set" -> parseSet();
            case "macro" -> parseMacro();
            case "break", "continue" -> {
                if (loops == 0) {
                    throw new TemplateException(line, tag + " outside of a loop");
                }
                endTag();
                Flow flow = tag.equals("break") ? Flow.BREAK : Flow.CONTINUE;
                yield (scope, out) -> flow;
            }
            // transformers marks by it what an assistant has written
            case "generation" -> parseBody("endgeneration");
            case "with" -> parseWith();
            case "filter" -> output(parseCaptured("endfilter", true));
            case "do" -> {
                Expression value = expressions.parseWhole();
                endTag();
                yield (scope, out) -> {
                    value.evaluate(scope);
                    return Flow.NEXT;
                };
            }
            default -> throw new TemplateException(line, "no tag is named '" + tag + "'");
        };
    }

    private void endTag() {
        tokens.require(Kind.BLOCK_END, "%}");
    }

    private Statement parseBody(String end) {
        endTag();
        Statement body = parseUntil(Set.of(end));
        tokens.next();
        endTag();
        return body;
    }

    private Statement parseIf() {
        Expression condition = expressions.parseWhole();
        endTag();
        Statement then = parseUntil(Set.of("elif", "else", "endif"));
        Statement otherwise;
        String tag = tokens.next().text();
        if (tag.equals("elif")) {
            otherwise = parseIf();
        } else if (tag.equals("else")) {
            otherwise = parseBody("endif");
        } else {
            endTag();
            otherwise = Statement.sequence(List.of());
        }
        return (scope, out) -> (Values.isTrue(condition.evaluate(scope)) ? then : otherwise).run(scope, out);
    }

    private Statement parseFor() {
        Target target = targets.parse();
        if (!tokens.skipName("in")) {
            throw tokens.unexpected("'in'");
        }
        int line = tokens.peek().line();
        Expression source = Expression.located(line, expressions.parseOr());
        @Nullable Expression condition = tokens.skipName("if") ? expressions.parseWhole() : null;
        if (tokens.isName("recursive")) {
            throw new TemplateException(line, "a recursive loop is not supported");
        }
        endTag();
        loops++;
        Statement body = parseUntil(Set.of("else", "endfor"));
        loops--;
        Statement otherwise = Statement.sequence(List.of());
        if (tokens.next().text().equals("else")) {
            otherwise = parseBody("endfor");
        } else {
            endTag();
        }
        return loop(target, Expression.located(line, filtered(source, target, condition)), body, otherwise);
    }

    /** The elements that a loop goes through. */
    private static Expression filtered(Expression source, Target target, @Nullable Expression condition) {
        return scope -> {
            List<@Nullable Object> all = Values.elements(source.evaluate(scope));
            if (condition != null) {
                all.removeIf(element -> {
                    Scope own = scope.inner();
                    target.set(own, element);
                    return !Values.isTrue(condition.evaluate(own));
                });
            }
            return all;
        };
    }

    private static Statement loop(Target target, Expression source, Statement body, Statement otherwise) {
        return (scope, out) -> {
            List<@Nullable Object> elements = Values.elements(source.evaluate(scope));
            for (int i = 0; i < elements.size(); i++) {
                // what one round sets, the next does not see
                Scope own = scope.inner();
                own.set(LOOP, new LoopVariable(elements, i));
                target.set(own, elements.get(i));
                if (body.run(own, out) == Flow.BREAK) {
                    break;
                }
            }
            return elements.isEmpty() ? otherwise.run(scope, out) : Flow.NEXT;
        };
    }

    private Statement parseSet() {
        Target target = targets.parse();
        int line = tokens.peek().line();
        if (tokens.skipOperator("=")) {
            Expression value = expressions.parseWhole();
            endTag();
            return (scope, out) -> {
                set(target, scope, value.evaluate(scope), line);
                return Flow.NEXT;
            };
        }
        Expression value = parseCaptured("endset", false);
        return (scope, out) -> {
            set(target, scope, value.evaluate(scope), line);
            return Flow.NEXT;
        };
    }

    /** The text that a block writes, after its filters. */
    private Expression parseCaptured(String end, boolean filterFirst) {
        String captured = " ";
        Expression text = scope -> scope.get(captured);
        if (filterFirst) {
            text = expressions.parseFilter(text);
        }
        while (tokens.skipOperator("|")) {
            text = expressions.parseFilter(text);
        }
        Statement body = parseBody(end);
        Expression value = text;
        return scope -> {
            Scope own = scope.inner();
            own.set(captured, written(body, own));
            return value.evaluate(own);
        };
    }

    private static void set(Target target, Scope scope, @Nullable Object value, int line) {
        try {
            target.set(scope, value);
        } catch (TemplateException e) {
            throw e.at(line);
        }
    }

    private static String written(Statement body, Scope scope) {
        StringBuilder text = new StringBuilder();
        body.run(scope, text);
        return text.toString();
    }

    private Statement parseMacro() {
        String name = tokens.requireName();
        Map<String, Expression> parameters = new LinkedHashMap<>();
        tokens.requireOperator("(");
        while (!tokens.skipOperator(")")) {
            String parameter = tokens.requireName();
            Expression missing = scope -> new Undefined("'" + parameter + "'");
            parameters.put(parameter, tokens.skipOperator("=") ? expressions.parse() : missing);
            if (!tokens.isOperator(")")) {
                tokens.requireOperator(",");
            }
        }
        int outer = loops;
        loops = 0;
        Statement body = parseBody("endmacro");
        loops = outer;
        List<String> names = List.copyOf(parameters.keySet());
        return (scope, out) -> {
            Callable macro = arguments -> {
                Scope own = scope.inner();
                for (int i = 0; i < names.size(); i++) {
                    String parameter = names.get(i);
                    own.set(
                            parameter,
                            arguments.has(i, parameter)
                                    ? arguments.get(i, parameter, null)
                                    : parameters
                                            .getOrDefault(parameter, any -> null)
                                            .evaluate(own));
                }
                return written(body, own);
            };
            scope.set(name, macro);
            return Flow.NEXT;
        };
    }

    private Statement parseWith() {
        List<Target> into = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (tokens.peek().kind() == Kind.NAME) {
            into.add(targets.parseName());
            tokens.requireOperator("=");
            values.add(expressions.parse());
            tokens.skipOperator(",");
        }
        Statement body = parseBody("endwith");
        return (scope, out) -> {
            Scope own = scope.inner();
            for (int i = 0; i < into.size(); i++) {
                into.get(i).set(own, values.get(i).evaluate(scope));
            }
            return body.run(own, out);
        };
    }
}
