package org.mohawk4j.data.source;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.mohawk4j.InvalidInputException;

/**
 * The rows of a Parquet file, read by DuckDB's JDBC driver if it is on the class path: it is as large as everything else
 * here together, so it is not by default.
 */
final class ParquetShardReader implements ShardReader {
    private static final String URL = "jdbc:duckdb:";

    private final Shard file;
    private final Encoding encoding;
    private final Connection connection;
    private final ResultSet rows;
    private long row;

    ParquetShardReader(Shard file, ShardPosition from, Encoding encoding) {
        this.file = file;
        this.encoding = encoding;
        this.row = from.offset();
        this.connection = connect(file);
        try {
            this.rows = query();
        } catch (SQLException e) {
            close();
            throw refusal(e);
        }
    }

    private static Connection connect(Shard file) {
        Properties settings = new Properties();
        settings.setProperty("jdbc_stream_results", "true");
        settings.setProperty("threads", "1");
        settings.setProperty("memory_limit", "1GB");
        settings.setProperty("autoinstall_known_extensions", "false");
        try {
            return DriverManager.getConnection(URL, settings);
        } catch (SQLException e) {
            throw new InvalidInputException(
                    file.path() + ": expected DuckDB's driver on the class path to read Parquet with, found none that"
                            + " starts; build with MOHAWK_MAVEN_ARGS=-Pparquet: "
                            + e.getMessage(),
                    e);
        }
    }

    private ResultSet query() throws SQLException {
        Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery("SELECT \""
                + encoding.textField().replace("\"", "\"\"")
                + "\" FROM read_parquet('"
                + file.path().toAbsolutePath().toString().replace("'", "''")
                + "', file_row_number = true) WHERE file_row_number >= " + row);
        String type = found.getMetaData().getColumnTypeName(1);
        if (!type.equals("VARCHAR")) {
            close();
            throw new InvalidInputException(
                    file.path() + ": expected text in column '" + encoding.textField() + "', found " + type);
        }
        return found;
    }

    @Override
    public Optional<DocumentSpan> next() {
        List<String> texts = new ArrayList<>();
        long start = row;
        long characters = 0;
        try {
            while (characters < TextSplitter.USUAL_BYTES && rows.next()) {
                String text = rows.getString(1);
                if (text == null || text.length() > JsonLinesShardReader.MOST_BYTES) {
                    throw new InvalidInputException(file.path() + ", row " + row + ": expected a text of at most "
                            + JsonLinesShardReader.MOST_BYTES + " characters, found "
                            + (text == null ? "none" : text.length()));
                }
                texts.add(text);
                characters += text.length();
                row++;
            }
        } catch (SQLException e) {
            throw refusal(e);
        }
        return texts.isEmpty() ? Optional.empty() : Optional.of(new Rows(file, start, texts, encoding));
    }

    private InvalidInputException refusal(SQLException e) {
        return new InvalidInputException(
                file.path() + ": cannot be read as Parquet: "
                        + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                e);
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw refusal(e);
        }
    }

    private record Rows(Shard file, long row, List<String> texts, Encoding encoding) implements DocumentSpan {
        @Override
        public ShardPosition start() {
            return new ShardPosition(row, 0);
        }

        @Override
        public int[] tokens() {
            TokenBuffer ids = new TokenBuffer(TextSplitter.USUAL_BYTES / 3);
            for (int i = 0; i < texts.size(); i++) {
                if (!texts.get(i).isEmpty()) {
                    ids.add(encoding.document(texts.get(i), file.path() + ", row " + (row + i)));
                }
            }
            return ids.toArray();
        }
    }
}
