package org.mohawk4j.tokenizer.jinja.value;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The variable {@code loop} of a loop.
 *
 * @param index from 0
 */
public record LoopVariable(List<@Nullable Object> elements, int index) implements Attributes {
    @Override
    public @Nullable Object attribute(String name) {
        int length = elements.size();
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) length - index;
            case "revindex0" -> length - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == length - 1;
            case "length" -> (long) length;
            // Jinja counts the depth of recursive loops alone
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "previtem" -> index > 0 ? elements.get(index - 1) : new Undefined("loop.previtem");
            case "nextitem" -> index < length - 1 ? elements.get(index + 1) : new Undefined("loop.nextitem");
            case "cycle" ->
                (Callable) arguments -> arguments
                        .positional()
                        .get(index % Math.max(1, arguments.positional().size()));
            default -> new Undefined("loop." + name);
        };
    }
}
