package org.mohawk4j.tokenizer.jinja;

/**
 * What a name stands for that nothing was given for: empty and false, but without attributes.
 *
 * @param name for the message
 */
record Undefined(String name) {
    TemplateException used() {
        return new TemplateException(name + " is undefined");
    }

    @Override
    public String toString() {
        return "";
    }
}
