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
     * @param all how many heads the model has there
     */
    public record Row(String title, List<MatrixValues> heads, int all) {
        /** Copies the list. */
        public Row {
            heads = List.copyOf(heads);
        }

        /** With all heads. */
        public Row(String title, List<MatrixValues> heads) {
            this(title, heads, heads.size());
        }
    }

    /** Checks that the rows can be shown together: matrices of one shape. Rows may have different numbers of heads. */
    public LayerMatrices {
        rows = List.copyOf(rows);
        if (rows.isEmpty() || rows.get(0).heads().isEmpty()) {
            throw new IllegalArgumentException("rows: expected at least one with at least one head, got " + rows);
        }
        MatrixValues first = rows.get(0).heads().get(0);
        for (Row row : rows) {
            for (MatrixValues head : row.heads()) {
                if (head.rows() != first.rows() || head.columns() != first.columns()) {
                    throw new IllegalArgumentException("row " + row.title() + ": expected matrices of " + first.rows()
                            + " × " + first.columns() + ", got " + head.rows() + " × " + head.columns());
                }
            }
        }
    }

    /** How many heads the row has that shows the most. */
    public int heads() {
        return rows.stream().mapToInt(row -> row.heads().size()).max().orElseThrow();
    }

    /** Whether a row has the heads of the teacher, so that they can be compared one by one. */
    public boolean isComparable(Row row) {
        Row teacher = rows.get(0);
        return row.all() == teacher.all()
                && row.heads().size() == teacher.heads().size();
    }
}
