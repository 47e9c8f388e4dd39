/** The page of a study: tables and plots. */
@NullMarked
package org.mohawk4j.train.study.page;

import org.jspecify.annotations.NullMarked;
