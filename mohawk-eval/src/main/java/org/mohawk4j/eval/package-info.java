/**
 * Judging models: perplexity, parity with numbers that another implementation wrote, and, in packages of their own, tasks
 * and the comparison with a teacher.
 */
@NullMarked
package org.mohawk4j.eval;

import org.jspecify.annotations.NullMarked;
