package org.mohawk4j.train.plan;

/** What memory of a device is used for. */
public enum MemoryPart {
    /** The teacher's parameters, its linear maps in the type of products. */
    TEACHER("teacher"),
    /** The student's parameters. */
    STUDENT("student"),
    /** Gradients of the parameters that the stage trains. */
    GRADIENTS("gradients"),
    /** AdamW's two moments of them. */
    MOMENTS("moments"),
    /** What the forward pass keeps for the backward pass, and what either works on. */
    ACTIVATIONS("activations"),
    /** Rows of both models' logits, and of their gradient. */
    LOGITS("logits"),
    /** What the backend keeps for its products. */
    WORKSPACE("workspace"),
    /** Parameters gathered from other devices. */
    COMMUNICATION("communication");

    private final String label;

    MemoryPart(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }
}
