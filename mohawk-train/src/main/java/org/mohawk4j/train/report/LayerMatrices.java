package org.mohawk4j.train.report;

import java.util.List;

/**
 * The mixing matrices of one layer, of one sequence, to be compared.
 *
 * @param layer its index, from 0
 * @param rows one each for the teacher, which comes first, and for the student at several times
 */
public record LayerMatrices(int layer, List<Row> rows) {
    /**
     * The matrices of the layer's heads in one model at one time.
     *
     * @param title such as {@code teacher} or {@code student before stage 1}
     * @param heads the matrices of heads in order, some or all
     */
    public record Row(String title, List<MatrixValues> heads) {
        /** Copies the list. */
        public Row {
            heads = List.copyOf(heads);
        }
    }

    /** Checks that the rows can be compared: as many heads, of one shape. */
    public LayerMatrices {
        rows = List.copyOf(rows);
        if (rows.isEmpty() || rows.get(0).heads().isEmpty()) {
            throw new IllegalArgumentException("rows: expected at least one with at least one head, got " + rows);
        }
        List<MatrixValues> teacher = rows.get(0).heads();
        MatrixValues first = teacher.get(0);
        for (Row row : rows) {
            if (row.heads().size() != teacher.size()) {
                throw new IllegalArgumentException("row " + row.title() + ": expected " + teacher.size()
                        + " heads as in the first row, got " + row.heads().size());
            }
            for (MatrixValues head : row.heads()) {
                if (head.rows() != first.rows() || head.columns() != first.columns()) {
                    throw new IllegalArgumentException("row " + row.title() + ": expected matrices of " + first.rows()
                            + " × " + first.columns() + ", got " + head.rows() + " × " + head.columns());
                }
            }
        }
    }

    /** How many heads there are. */
    public int heads() {
        return rows.get(0).heads().size();
    }
}
