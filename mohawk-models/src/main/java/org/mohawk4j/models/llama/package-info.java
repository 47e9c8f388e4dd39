/**
 * Llama: teachers as Hugging Face keeps them ({@link org.mohawk4j.models.llama.LlamaFormat}), and students in Llama's
 * blocks as goombalab/mohawk keeps them ({@link org.mohawk4j.models.llama.ComponentsFormat}).
 */
@NullMarked
package org.mohawk4j.models.llama;

import org.jspecify.annotations.NullMarked;
