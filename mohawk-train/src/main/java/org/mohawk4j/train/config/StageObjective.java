package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The objective of a stage (MOHAWK, arXiv 2408.10189, section 4). */
public enum StageObjective {
    /** The distance of mixing matrices, layer by layer. */
    @JsonProperty("matrix-orientation")
    MATRIX_ORIENTATION("matrix orientation", 0.1),
    /** The distance of layer outputs, layer by layer. */
    @JsonProperty("hidden-state-alignment")
    HIDDEN_STATE_ALIGNMENT("hidden-state alignment", 0.2),
    /** The cross-entropy with the teacher's distribution of the next token. */
    @JsonProperty("knowledge-distillation")
    KNOWLEDGE_DISTILLATION("knowledge distillation", 0.7);

    private final String label;
    private final double usualShare;

    StageObjective(String label, double usualShare) {
        this.label = label;
        this.usualShare = usualShare;
    }

    /** Its name in the paper. */
    public String label() {
        return label;
    }

    /** Whether it aligns layers, each by itself. */
    public boolean isLayerwise() {
        return this != KNOWLEDGE_DISTILLATION;
    }

    /** Of the tokens of a run that trains by all three, as in the paper. */
    double usualShare() {
        return usualShare;
    }
}
