/** What a run is configured by: records, YAML, the token budget. */
@NullMarked
package org.mohawk4j.train.config;

import org.jspecify.annotations.NullMarked;
