package org.mohawk4j.tokenizer.jinja;

import java.util.List;

/** A part of a template that writes. */
@FunctionalInterface
interface Statement {
    /** How a loop goes on behind a statement in it. */
    enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    Flow run(Scope scope, StringBuilder out);

    /** One after the other, until one leaves the loop around them. */
    static Statement sequence(List<Statement> all) {
        List<Statement> parts = List.copyOf(all);
        return (scope, out) -> {
            for (Statement part : parts) {
                Flow flow = part.run(scope, out);
                if (flow != Flow.NEXT) {
                    return flow;
                }
            }
            return Flow.NEXT;
        };
    }
}
