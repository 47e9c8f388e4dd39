package org.mohawk4j.train.report;

/**
 * A text and its continuation by a model.
 *
 * @param model such as {@code teacher} or {@code student}
 * @param prompt what it was given
 * @param continuation what it wrote
 */
public record Sample(String model, String prompt, String continuation) {}
