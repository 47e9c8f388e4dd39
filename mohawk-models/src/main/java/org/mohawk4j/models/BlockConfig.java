package org.mohawk4j.models;

/**
 * The configuration of a model's blocks, without the mixers.
 *
 * @param form how the parts are put together
 * @param norm of every block, and the final one
 */
public record BlockConfig(BlockForm form, NormConfig norm, MlpConfig mlp) {}
