package org.mohawk4j.tokenizer.jinja;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tokenizer.jinja.value.Globals;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;

/**
 * A Jinja template in the environment that transformers renders chat templates in: {@code trim_blocks} and
 * {@code lstrip_blocks}, loop controls, {@code generation} blocks, {@code raise_exception}, {@code strftime_now} and a
 * {@code tojson} that leaves other than ASCII as it is; values cannot be changed, except for namespaces. May be used by any
 * number of threads.
 *
 * <p>It is not a library's, since Java has none that does what templates do: HubSpot's Jinjava 2.8.4 has no
 * {@code [::-1]}, no {@code for … if}, no {@code else} of loops, no tuples, no methods of Python's texts, and shows
 * booleans and JSON otherwise.
 */
public final class Template {
    private final Statement content;

    private Template(Statement content) {
        this.content = content;
    }

    /**
     * Reads a template.
     *
     * @throws TemplateException if it is not one, or uses what is not supported
     */
    public static Template parse(String template) {
        try {
            return new Template(new StatementParser(new TokenReader(Lexer.tokens(template))).parse());
        } catch (StackOverflowError e) {
            throw new TemplateException("it is nested too deep");
        }
    }

    /**
     * What the template gives.
     *
     * @param names values of {@code null}, {@code Boolean}, {@code Long}, {@code Double}, {@code String}, lists and maps of
     *     these
     * @throws TemplateException if the template says so, or does what cannot be done
     */
    public String render(Map<String, ? extends @Nullable Object> names, Clock clock) {
        Scope global = Scope.of(Globals.of(clock)).inner();
        names.forEach(global::set);
        StringBuilder text = new StringBuilder();
        try {
            content.run(global.inner(), text);
        } catch (StackOverflowError e) {
            throw new TemplateException("it is nested too deep");
        } catch (ArithmeticException e) {
            throw new TemplateException(String.valueOf(e.getMessage()));
        }
        return text.toString();
    }

    /** A JSON value as a template sees it. */
    public static @Nullable Object value(JsonNode json) {
        if (json.isObject()) {
            Map<String, @Nullable Object> map = new LinkedHashMap<>();
            json.properties().forEach(entry -> map.put(entry.getKey(), value(entry.getValue())));
            return map;
        }
        if (json.isArray()) {
            List<@Nullable Object> list = new ArrayList<>();
            json.forEach(element -> list.add(value(element)));
            return list;
        }
        if (json.isBoolean()) {
            return json.booleanValue();
        }
        if (json.isIntegralNumber() && json.canConvertToLong()) {
            return json.longValue();
        }
        return json.isNumber() ? (Object) json.doubleValue() : json.isTextual() ? json.textValue() : null;
    }
}
