package org.mohawk4j.tokenizer.jinja.value;

/**
 * What a name stands for that nothing was given for: empty and false, but without attributes.
 *
 * @param name for the message
 */
public record Undefined(String name) {
    /** The error of its use as a value. */
    public TemplateException used() {
        return new TemplateException(name + " is undefined");
    }

    @Override
    public String toString() {
        return "";
    }
}
