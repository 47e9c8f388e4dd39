package org.mohawk4j.tokenizer.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mohawk4j.tokenizer.jinja.Token.Kind;
import org.mohawk4j.tokenizer.jinja.value.PythonText;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;

/**
 * Cuts a template into tokens, as Jinja's lexer does with {@code trim_blocks} and {@code lstrip_blocks}: a line break
 * behind a block or a comment is left out, and so are blanks before one that begins its line; {@code -} beside a tag
 * takes all white space there, {@code +} keeps it.
 */
final class Lexer {
    private static final Pattern BEGIN = Pattern.compile("\\{[%{#]");
    private static final Pattern RAW = Pattern.compile("\\{%([-+]?)\\s*raw\\s*(-?)%\\}");
    private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");
    private static final Pattern NUMBER =
            Pattern.compile("(\\d[\\d_]*)(\\.\\d+)?([eE][+-]?\\d+)?", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
    private static final Pattern STRING =
            Pattern.compile("'([^'\\\\]*(?:\\\\.[^'\\\\]*)*)'|\"([^\"\\\\]*(?:\\\\.[^\"\\\\]*)*)\"", Pattern.DOTALL);
    private static final Pattern OPERATOR = Pattern.compile("//|==|!=|<=|>=|[-+*/%~<>=()\\[\\]{}|.,:;]");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private int counted;

    /** Whether what comes next begins a line. */
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        // as Jinja does unless told to keep it
        Lexer lexer = new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
        lexer.read();
        return lexer.tokens;
    }

    private void read() {
        Matcher begin = BEGIN.matcher(source);
        while (begin.find(at)) {
            int tag = begin.start();
            char kind = source.charAt(tag + 1);
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            addData(source.substring(at, tag), sign, kind != '{');
            Matcher raw = RAW.matcher(source).region(tag, source.length());
            if (raw.lookingAt()) {
                readRaw(raw);
            } else if (kind == '#') {
                skipComment(tag);
            } else {
                at = tag + (sign == '-' || (sign == '+' && kind == '%') ? 3 : 2);
                add(kind == '%' ? Kind.BLOCK_BEGIN : Kind.VARIABLE_BEGIN, "", tag);
                readExpression(kind == '%');
            }
        }
        addData(source.substring(at), ' ', false);
        add(Kind.END, "", source.length());
    }

    /** Adds text before a tag of this sign. */
    private void addData(String data, char sign, boolean isBlock) {
        String kept = data;
        if (sign == '-') {
            kept = PythonText.stripEnd(data);
        } else if (isBlock && sign != '+') {
            int line = data.lastIndexOf('\n') + 1;
            if ((line > 0 || lineStarts)
                    && PythonText.strip(data.substring(line)).isEmpty()) {
                kept = data.substring(0, line);
            }
        }
        if (!kept.isEmpty()) {
            add(Kind.DATA, kept, at);
        }
    }

    private void readRaw(Matcher begin) {
        Matcher end = END_RAW.matcher(source);
        if (!end.find(begin.end())) {
            throw new TemplateException(line(begin.start()), "expected {% endraw %} behind {% raw %}");
        }
        at = begin.end();
        afterTag("-".equals(begin.group(2)), false);
        String sign = end.group(1);
        addData(source.substring(Math.min(at, end.start()), end.start()), sign.isEmpty() ? ' ' : sign.charAt(0), true);
        at = end.end();
        afterTag("-".equals(end.group(2)), !"+".equals(end.group(2)));
    }

    private void skipComment(int tag) {
        int end = source.indexOf("#}", tag + 2);
        if (end < 0) {
            throw new TemplateException(line(tag), "expected #} behind {#");
        }
        char sign = source.charAt(end - 1);
        at = end + 2;
        afterTag(sign == '-', sign != '+');
    }

    /** Passes over what a tag takes with it. */
    private void afterTag(boolean takesSpace, boolean takesLineBreak) {
        int from = at;
        if (takesSpace) {
            while (at < source.length() && PythonText.isSpace(source.charAt(at))) {
                at++;
            }
        } else if (takesLineBreak && source.startsWith("\n", at)) {
            at++;
        }
        lineStarts = at > from && source.charAt(at - 1) == '\n';
    }

    private void readExpression(boolean isBlock) {
        int begin = at;
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            while (at < source.length() && PythonText.isSpace(source.charAt(at))) {
                at++;
            }
            if (at == source.length()) {
                throw new TemplateException(line(begin), "expected " + (isBlock ? "%}" : "}}") + ", found the end");
            }
            if (open.isEmpty() && endsTag(isBlock)) {
                return;
            }
            readToken(open);
        }
    }

    private boolean endsTag(boolean isBlock) {
        String end = isBlock ? "%}" : "}}";
        char sign = source.charAt(at);
        boolean signed = (sign == '-' || (sign == '+' && isBlock)) && source.startsWith(end, at + 1);
        if (!signed && !source.startsWith(end, at)) {
            return false;
        }
        add(isBlock ? Kind.BLOCK_END : Kind.VARIABLE_END, "", at);
        at += signed ? 3 : 2;
        afterTag(signed && sign == '-', isBlock && !signed);
        return true;
    }

    private void readToken(Deque<Character> open) {
        Matcher number = NUMBER.matcher(source).region(at, source.length());
        Matcher name = NAME.matcher(source).region(at, source.length());
        Matcher string = STRING.matcher(source).region(at, source.length());
        Matcher operator = OPERATOR.matcher(source).region(at, source.length());
        int start = at;
        if (name.lookingAt()) {
            at = name.end();
            add(Kind.NAME, name.group(), start);
        } else if (number.lookingAt()) {
            boolean isFloat = number.group(2) != null || number.group(3) != null;
            at = number.end();
            add(isFloat ? Kind.FLOAT : Kind.INTEGER, number.group().replace("_", ""), start);
        } else if (string.lookingAt()) {
            at = string.end();
            String body = string.group(1) != null ? string.group(1) : string.group(2);
            add(Kind.STRING, unescaped(body), start);
        } else if (operator.lookingAt()) {
            at = operator.end();
            balance(open, operator.group());
            add(Kind.OPERATOR, operator.group(), start);
        } else {
            throw new TemplateException(
                    line(at), "unexpected '" + new String(Character.toChars(source.codePointAt(at))) + "'");
        }
    }

    /** Brackets of the expression itself, within which no tag ends. */
    private void balance(Deque<Character> open, String operator) {
        switch (operator) {
            case "(" -> open.push(')');
            case "[" -> open.push(']');
            case "{" -> open.push('}');
            case ")", "]", "}" -> {
                if (open.isEmpty() || open.pop() != operator.charAt(0)) {
                    throw new TemplateException(line(at), "unexpected '" + operator + "'");
                }
            }
            default -> {}
        }
    }

    /** Python's escapes; a backslash before anything else is itself. */
    private static String unescaped(String body) {
        if (body.indexOf('\\') < 0) {
            return body;
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < body.length(); i++) {
            char c = body.charAt(i);
            if (c != '\\' || i + 1 == body.length()) {
                text.append(c);
                continue;
            }
            char escaped = body.charAt(++i);
            int digits = escaped == 'x' ? 2 : escaped == 'u' ? 4 : escaped == 'U' ? 8 : 0;
            if (digits > 0 && i + digits < body.length() && isHex(body, i + 1, digits)) {
                text.appendCodePoint(Integer.parseInt(body.substring(i + 1, i + 1 + digits), 16));
                i += digits;
                continue;
            }
            switch (escaped) {
                case 'n' -> text.append('\n');
                case 't' -> text.append('\t');
                case 'r' -> text.append('\r');
                case 'b' -> text.append('\b');
                case 'f' -> text.append('\f');
                case 'a' -> text.append('\u0007');
                case 'v' -> text.append('\u000b');
                case '0' -> text.append('\0');
                case '\\', '\'', '"' -> text.append(escaped);
                case '\n' -> {}
                default -> text.append('\\').append(escaped);
            }
        }
        return text.toString();
    }

    private static boolean isHex(String body, int from, int digits) {
        return body.substring(from, from + digits).chars().allMatch(c -> Character.digit(c, 16) >= 0);
    }

    private void add(Kind kind, String text, int place) {
        tokens.add(new Token(kind, text, line(place)));
    }

    /** The line of a place, which is not before the last one that was asked for. */
    private int line(int place) {
        while (counted < place) {
            line += source.charAt(counted++) == '\n' ? 1 : 0;
        }
        return line;
    }
}
