package org.mohawk4j.train.study.page;

import java.util.ArrayList;
import java.util.List;

/**
 * A table of a page.
 *
 * @param note below it; empty for none
 * @param columns their headings
 * @param rows a cell for each column; those after the first stand to the right
 */
public record Table(String heading, String note, List<String> columns, List<List<String>> rows) {
    /** Checks that each row has a cell for each column. */
    public Table {
        columns = List.copyOf(columns);
        List<List<String>> copies = new ArrayList<>();
        for (List<String> row : rows) {
            if (row.size() != columns.size()) {
                throw new IllegalArgumentException(
                        "table " + heading + ": expected " + columns.size() + " cells, got " + row);
            }
            copies.add(List.copyOf(row));
        }
        rows = List.copyOf(copies);
    }
}
