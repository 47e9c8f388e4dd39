package org.mohawk4j.train.report;

/**
 * Text that a model continued.
 *
 * @param model such as {@code teacher} or {@code student}
 * @param prompt what it was given
 * @param continuation what it wrote
 */
public record Sample(String model, String prompt, String continuation) {}
