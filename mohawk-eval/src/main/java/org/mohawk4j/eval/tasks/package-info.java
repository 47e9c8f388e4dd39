/**
 * The six zero-shot tasks that the paper judges students by (MOHAWK, section 5), scored by the rules of EleutherAI's
 * lm-evaluation-harness from the files that the public data sets ship.
 */
@NullMarked
package org.mohawk4j.eval.tasks;

import org.jspecify.annotations.NullMarked;
