/** YAML as trees, and trees as configurations, with errors that name the key, the expected and the actual. */
@NullMarked
package org.mohawk4j.train.yaml;

import org.jspecify.annotations.NullMarked;
