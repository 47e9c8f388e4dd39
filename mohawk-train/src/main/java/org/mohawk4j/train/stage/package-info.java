/** The three stages of MOHAWK (arXiv 2408.10189, section 4): what each compares, trains and costs. */
@NullMarked
package org.mohawk4j.train.stage;

import org.jspecify.annotations.NullMarked;
