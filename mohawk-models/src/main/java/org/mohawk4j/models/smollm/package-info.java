/** SmolLM 3: Llama with layers that know no positions. */
@NullMarked
package org.mohawk4j.models.smollm;

import org.jspecify.annotations.NullMarked;
