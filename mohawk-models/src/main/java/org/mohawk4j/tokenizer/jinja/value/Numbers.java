package org.mohawk4j.tokenizer.jinja.value;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/** Python's arithmetic on {@code Long}, {@code Double} and {@code Boolean}, which counts as 0 or 1. */
final class Numbers {
    private static final double SMALLEST_PLAIN = 1e-4;
    private static final double LARGEST_PLAIN = 1e16;

    private Numbers() {}

    static boolean isNumber(@Nullable Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    static boolean isWhole(@Nullable Object value) {
        return value instanceof Long || value instanceof Boolean;
    }

    static long whole(@Nullable Object value) {
        if (value instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        if (value instanceof Long number) {
            return number;
        }
        throw new TemplateException("expected a whole number, found " + Values.repr(value));
    }

    static double real(@Nullable Object value) {
        if (value instanceof Double number) {
            return number;
        }
        return whole(value);
    }

    /** {@code + - * / // %} of two numbers. */
    static Object calculate(String operator, @Nullable Object a, @Nullable Object b) {
        if (!isNumber(a) || !isNumber(b)) {
            throw new TemplateException(
                    "expected numbers around " + operator + ", found " + Values.repr(a) + " and " + Values.repr(b));
        }
        try {
            boolean whole = isWhole(a) && isWhole(b) && !operator.equals("/");
            return whole ? whole(operator, whole(a), whole(b)) : real(operator, real(a), real(b));
        } catch (ArithmeticException e) {
            throw new TemplateException(Values.repr(a) + " " + operator + " " + Values.repr(b) + ": " + e.getMessage());
        }
    }

    private static Object whole(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static double real(String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw new ArithmeticException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    /** As Python shows it: {@code 1.0}, {@code 1e-05}. */
    static String shown(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(value);
        String digits = Double.toString(value);
        if (size == 0 || (size >= SMALLEST_PLAIN && size < LARGEST_PLAIN)) {
            String plain = new BigDecimal(digits).toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String mantissa = digits.substring(0, digits.indexOf('E'));
        int exponent = Integer.parseInt(digits.substring(digits.indexOf('E') + 1));
        String sign = exponent < 0 ? "-" : "+";
        return (mantissa.endsWith(".0") ? mantissa.substring(0, mantissa.length() - 2) : mantissa) + "e" + sign
                + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }
}
