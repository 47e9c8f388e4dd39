package org.mohawk4j.tokenizer.jinja;

/**
 * A piece of a template.
 *
 * @param text of data, names, operators and numbers as they stand there; of strings what they mean
 * @param line from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        /** Text between the tags. */
        DATA,
        BLOCK_BEGIN,
        BLOCK_END,
        VARIABLE_BEGIN,
        VARIABLE_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        /** Of the template. */
        END
    }

    boolean is(Kind of, String content) {
        return kind == of && text.equals(content);
    }

    /** What messages call it. */
    String shown() {
        return switch (kind) {
            case END -> "the end of the template";
            case BLOCK_END -> "the end of the tag";
            case VARIABLE_END -> "the end of the expression";
            case DATA, BLOCK_BEGIN, VARIABLE_BEGIN -> "text";
            default -> "'" + text + "'";
        };
    }
}
