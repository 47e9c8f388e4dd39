package org.mohawk4j.tokenizer.jinja.value;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** {@code tojson} as transformers defines it for templates: {@code json.dumps} that leaves other than ASCII as it is. */
final class JsonText {
    private final @Nullable String indent;
    private final String between;
    private final String colon;
    private final boolean sorted;
    private final boolean ascii;
    private final StringBuilder out = new StringBuilder();

    private JsonText(Arguments arguments) {
        Object given = arguments.get(1, "indent", null);
        this.indent = given == null
                ? null
                : given instanceof String text ? text : " ".repeat((int) Math.max(0, Numbers.whole(given)));
        Object separators = arguments.get(2, "separators", null);
        List<@Nullable Object> parts = separators == null ? List.of() : Values.elements(separators);
        this.between = parts.isEmpty() ? (indent == null ? ", " : ",") : Values.text(parts.get(0));
        this.colon = parts.size() < 2 ? ": " : Values.text(parts.get(1));
        this.ascii = Values.isTrue(arguments.get(0, "ensure_ascii", false));
        this.sorted = Values.isTrue(arguments.get(3, "sort_keys", false));
    }

    static String of(@Nullable Object value, Arguments arguments) {
        JsonText json = new JsonText(arguments);
        json.write(value, "\n");
        return json.out.toString();
    }

    private void write(@Nullable Object value, String line) {
        if (value instanceof String text) {
            quote(text);
        } else if (value instanceof Map<?, ?> map) {
            writeMap(sorted ? new TreeMap<>(map) : map, line);
        } else if (value instanceof List<?> list) {
            writeList(list, line);
        } else if (value == null) {
            out.append("null");
        } else if (value instanceof Boolean || value instanceof Long) {
            out.append(value);
        } else if (value instanceof Double) {
            out.append(Values.repr(value));
        } else {
            throw new TemplateException("tojson: expected what JSON can hold, found " + Values.repr(value));
        }
    }

    private void writeList(List<?> list, String line) {
        if (list.isEmpty()) {
            out.append("[]");
            return;
        }
        String inner = line + (indent == null ? "" : indent);
        out.append('[');
        for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
            begin(inner);
            write(i.next(), inner);
            out.append(i.hasNext() ? between : "");
        }
        begin(line);
        out.append(']');
    }

    private void writeMap(Map<?, ?> map, String line) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        String inner = line + (indent == null ? "" : indent);
        out.append('{');
        for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<?, ?> entry = i.next();
            begin(inner);
            quote(Values.text(entry.getKey()));
            out.append(colon);
            write(entry.getValue(), inner);
            out.append(i.hasNext() ? between : "");
        }
        begin(line);
        out.append('}');
    }

    private void begin(String line) {
        out.append(indent == null ? "" : line);
    }

    private void quote(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || (ascii && c > '~')) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
