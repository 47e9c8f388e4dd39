/** Text to token ids and back, from a Hugging Face {@code tokenizer.json}. */
@NullMarked
package org.mohawk4j.tokenizer;

import org.jspecify.annotations.NullMarked;
