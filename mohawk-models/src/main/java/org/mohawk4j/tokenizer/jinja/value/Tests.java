package org.mohawk4j.tokenizer.jinja.value;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tests, as in {@code value is test}. */
public final class Tests {
    private interface Test {
        boolean holds(@Nullable Object value, Arguments arguments);
    }

    private static final Map<String, Test> ALL = all();

    private Tests() {}

    public static boolean isKnown(String name) {
        return ALL.containsKey(name);
    }

    public static boolean holds(String name, @Nullable Object value, Arguments arguments) {
        Test test = ALL.get(name);
        if (test == null) {
            throw new TemplateException("no test is named '" + name + "'");
        }
        return test.holds(value, arguments);
    }

    private static Map<String, Test> all() {
        Map<String, Test> tests = new HashMap<>();
        tests.put("defined", (value, a) -> !(value instanceof Undefined));
        tests.put("undefined", (value, a) -> value instanceof Undefined);
        tests.put("none", (value, a) -> value == null);
        tests.put("boolean", (value, a) -> value instanceof Boolean);
        tests.put("true", (value, a) -> Boolean.TRUE.equals(value));
        tests.put("false", (value, a) -> Boolean.FALSE.equals(value));
        tests.put("string", (value, a) -> value instanceof String);
        tests.put("mapping", (value, a) -> value instanceof Map<?, ?>);
        tests.put("number", (value, a) -> Numbers.isNumber(value));
        tests.put("integer", (value, a) -> value instanceof Long);
        tests.put("float", (value, a) -> value instanceof Double);
        tests.put("callable", (value, a) -> value instanceof Callable);
        tests.put("iterable", (value, a) -> isIterable(value));
        tests.put("sequence", (value, a) -> isIterable(value));
        tests.put("in", (value, a) -> Values.contains(a.require(0, "seq"), value));
        tests.put("odd", (value, a) -> Math.floorMod(Numbers.whole(value), 2) == 1);
        tests.put("even", (value, a) -> Math.floorMod(Numbers.whole(value), 2) == 0);
        tests.put("divisibleby", (value, a) -> Numbers.whole(value) % a.whole(0, "num", 1) == 0);
        tests.put(
                "sameas", (value, a) -> value == a.require(0, "other") || Values.equal(value, a.get(0, "other", null)));
        for (String name : new String[] {"equalto", "eq", "=="}) {
            tests.put(name, (value, a) -> Values.equal(value, a.require(0, "other")));
        }
        for (String name : new String[] {"ne", "!="}) {
            tests.put(name, (value, a) -> !Values.equal(value, a.require(0, "other")));
        }
        for (String name : new String[] {"gt", "greaterthan", ">"}) {
            tests.put(name, (value, a) -> Values.compare(value, a.require(0, "other")) > 0);
        }
        for (String name : new String[] {"lt", "lessthan", "<"}) {
            tests.put(name, (value, a) -> Values.compare(value, a.require(0, "other")) < 0);
        }
        for (String name : new String[] {"ge", ">="}) {
            tests.put(name, (value, a) -> Values.compare(value, a.require(0, "other")) >= 0);
        }
        for (String name : new String[] {"le", "<="}) {
            tests.put(name, (value, a) -> Values.compare(value, a.require(0, "other")) <= 0);
        }
        return Map.copyOf(tests);
    }

    private static boolean isIterable(@Nullable Object value) {
        return value instanceof Collection<?>
                || value instanceof Map<?, ?>
                || value instanceof String
                || value instanceof Undefined;
    }
}
