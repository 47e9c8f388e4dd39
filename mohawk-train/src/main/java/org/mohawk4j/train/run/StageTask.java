package org.mohawk4j.train.run;

import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.stage.Objective;

/**
 * A stage as one rank trains it.
 *
 * @param ranks how they share its steps
 * @param heldOut the loss on held-out windows of a stage with {@code tokens: auto}
 */
public record StageTask(ActiveStage stage, Objective objective, Parallelism ranks, Optional<DoubleSupplier> heldOut) {}
