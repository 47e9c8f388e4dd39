package org.mohawk4j.models;

/**
 * What a model's blocks are made of, but for the mixers.
 *
 * @param form how the parts are put together
 * @param norm of every block, and the final one
 */
public record BlockConfig(BlockForm form, NormConfig norm, MlpConfig mlp) {}
