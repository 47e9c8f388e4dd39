package org.mohawk4j.tokenizer.jinja;

import java.util.List;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;

/** Goes through tokens. */
final class TokenReader {
    private final List<Token> tokens;
    private int at;

    TokenReader(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peekNext() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    boolean isOperator(String operator) {
        return peek().is(Kind.OPERATOR, operator);
    }

    boolean isName(String name) {
        return peek().is(Kind.NAME, name);
    }

    boolean skipOperator(String operator) {
        boolean found = isOperator(operator);
        if (found) {
            next();
        }
        return found;
    }

    boolean skipName(String name) {
        boolean found = isName(name);
        if (found) {
            next();
        }
        return found;
    }

    void requireOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    String requireName() {
        if (peek().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return next().text();
    }

    void require(Kind kind, String what) {
        if (peek().kind() != kind) {
            throw unexpected(what);
        }
        next();
    }

    TemplateException unexpected(String expected) {
        return new TemplateException(peek().line(), "expected " + expected + ", found " + peek().shown());
    }
}
