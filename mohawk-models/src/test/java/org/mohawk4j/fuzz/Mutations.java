package org.mohawk4j.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Damages a file in ways that readers fall for: single bits, cut and repeated parts, numbers at the edge, stray JSON. */
final class Mutations {
    private static final List<String> NUMBERS = List.of(
            "0",
            "-0",
            "-1",
            "1",
            "2147483647",
            "2147483648",
            "4294967296",
            "4611686018427387904",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "1e400",
            "1e-400",
            "0.5",
            "1.0",
            "00",
            "NaN",
            "9".repeat(1001));
    private static final List<String> PIECES = List.of(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\u0000",
            "\\ud800",
            "null",
            "true",
            "\"\"",
            "{}",
            "[]",
            "\u0000",
            "\u2028",
            "\"a\":1,",
            "[".repeat(70),
            "{\"a\":".repeat(70),
            "../",
            "/",
            " ".repeat(500),
            "x".repeat(3000));

    private final SplittableRandom random;

    Mutations(SplittableRandom random) {
        this.random = random;
    }

    /** One to four kinds of damage, one after the other. */
    byte[] damage(byte[] bytes) {
        byte[] damaged = bytes;
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            damaged = damageOnce(damaged);
        }
        return damaged;
    }

    private byte[] damageOnce(byte[] bytes) {
        if (bytes.length == 0) {
            return piece();
        }
        int at = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, at + 1 + random.nextInt(1 + random.nextInt(64)));
        return switch (random.nextInt(9)) {
            case 0 -> {
                byte[] flipped = bytes.clone();
                flipped[at] ^= (byte) (1 << random.nextInt(8));
                yield flipped;
            }
            case 1 -> {
                byte[] set = bytes.clone();
                set[at] = (byte) random.nextInt(256);
                yield set;
            }
            case 2 -> Arrays.copyOf(bytes, at);
            case 3 -> splice(bytes, at, new byte[0], to);
            case 4 -> splice(bytes, at, Arrays.copyOfRange(bytes, at, to), at);
            case 5 -> {
                int from = random.nextInt(bytes.length);
                byte[] other = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + to - at));
                yield splice(bytes, at, other, to);
            }
            case 6 -> splice(bytes, at, piece(), random.nextBoolean() ? at : to);
            default -> otherNumber(bytes, at);
        };
    }

    /** Replaces the next number in the text. */
    private byte[] otherNumber(byte[] bytes, int start) {
        int from = start;
        while (from < bytes.length && !isDigit(bytes[from])) {
            from++;
        }
        int to = from;
        while (to < bytes.length && isDigit(bytes[to])) {
            to++;
        }
        return splice(bytes, from, NUMBERS.get(random.nextInt(NUMBERS.size())).getBytes(UTF_8), to);
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private byte[] piece() {
        return PIECES.get(random.nextInt(PIECES.size())).getBytes(UTF_8);
    }

    private static byte[] splice(byte[] bytes, int from, byte[] between, int to) {
        byte[] result = Arrays.copyOf(bytes, from + between.length + bytes.length - to);
        System.arraycopy(between, 0, result, from, between.length);
        System.arraycopy(bytes, to, result, from + between.length, bytes.length - to);
        return result;
    }
}
