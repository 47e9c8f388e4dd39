/** The report of a run: loss curves, mixing matrices as heatmaps, one self-contained HTML page. */
@NullMarked
package org.mohawk4j.train.report;

import org.jspecify.annotations.NullMarked;
