package org.mohawk4j.tokenizer.jinja.value;

/**
 * The value of an undefined name: empty and false, without attributes.
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
