package org.mohawk4j.tokenizer.jinja.value;

/** A template that is invalid or cannot be rendered with its variables. The message is one line. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean located;

    public TemplateException(String message) {
        super(message);
        located = false;
    }

    /** @param line from 1 */
    public TemplateException(int line, String message) {
        super("line " + line + ": " + message);
        located = true;
    }

    private TemplateException(String message, boolean located) {
        super(message);
        this.located = located;
    }

    /** What a template says itself, without its line. */
    static TemplateException raised(String message) {
        return new TemplateException(message, true);
    }

    /** The same with a line, unless it has one. */
    public TemplateException at(int line) {
        return located ? this : new TemplateException(line, String.valueOf(getMessage()));
    }
}
