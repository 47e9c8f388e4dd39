package org.mohawk4j.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

/** With {@code -Pparquet}, which brings the driver. */
class ParquetShardReaderTest {
    private static final Encoding LETTERS = new Encoding(text -> text.chars().toArray(), 0, 1 << 16, "te\"xt", "");

    @TempDir
    private Path folder;

    static boolean hasDriver() {
        return DriverManager.drivers().anyMatch(driver -> {
            try {
                return driver.acceptsURL("jdbc:duckdb:");
            } catch (SQLException e) {
                return false;
            }
        });
    }

    private Shard write(String rows) throws SQLException {
        Path file = folder.resolve("it's.parquet");
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = connection.createStatement()) {
            statement.execute("COPY (" + rows + ") TO '" + file.toString().replace("'", "''")
                    + "' (FORMAT parquet, ROW_GROUP_SIZE 2048)");
        }
        return ShardFinder.find(file.toString()).get(0);
    }

    private static List<DocumentSpan> chunks(Shard file, ShardPosition from) {
        List<DocumentSpan> chunks = new ArrayList<>();
        try (ShardReader reader = file.open(from, LETTERS)) {
            for (Optional<DocumentSpan> next = reader.next(); next.isPresent(); next = reader.next()) {
                chunks.add(next.get());
            }
        }
        return chunks;
    }

    private static String read(Shard file, ShardPosition from) {
        StringBuilder text = new StringBuilder();
        chunks(file, from).forEach(chunk -> Arrays.stream(chunk.tokens()).forEach(id -> text.append((char) id)));
        return text.toString();
    }

    @Test
    @EnabledIf("hasDriver")
    void eachRowIsADocumentInTheOrderOfTheFile() throws SQLException {
        Shard file = write("SELECT i AS n, 'row Æ ' || i AS \"te\"\"xt\" FROM range(100000) t(i)");
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 100_000; i++) {
            expected.append("row Æ ").append(i).append('\0');
        }

        List<DocumentSpan> chunks = chunks(file, file.beginning());

        assertThat(read(file, file.beginning())).isEqualTo(expected.toString());
        assertThat(chunks).hasSizeGreaterThan(4);
        for (DocumentSpan chunk : chunks) {
            String rest = read(file, chunk.start());
            assertThat(expected).endsWith(rest);
            assertThat(rest).startsWith("row Æ " + chunk.start().offset() + "\0");
        }
    }

    @Test
    @EnabledIf("hasDriver")
    void whatIsNoTextIsRefused() throws SQLException {
        Shard nulls = write("SELECT unnest(['a', NULL]) AS \"te\"\"xt\"");
        assertThatThrownBy(() -> read(nulls, nulls.beginning()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("row 1: expected a text of at most 16777216 characters, found none");
        Shard numbers = write("SELECT 3 AS \"te\"\"xt\"");
        assertThatThrownBy(() -> read(numbers, numbers.beginning()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected text in column 'te\"xt', found INTEGER");
        Shard other = write("SELECT 'a' AS text");
        assertThatThrownBy(() -> read(other, other.beginning()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("cannot be read as Parquet")
                .hasMessageNotContaining("\n");
    }

    @Test
    @EnabledIf("hasDriver")
    void aDamagedTableIsRefused() throws SQLException, IOException {
        Shard file = write("SELECT 'row ' || i AS \"te\"\"xt\" FROM range(10000) t(i)");
        byte[] bytes = Files.readAllBytes(file.path());

        Files.write(file.path(), Arrays.copyOf(bytes, bytes.length / 2));

        assertThatThrownBy(() -> read(file, file.beginning()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("cannot be read as Parquet");
    }

    @Test
    @DisabledIf("hasDriver")
    void withoutTheDriverOneLineSaysHowToGetIt() throws IOException {
        Path file = Files.writeString(folder.resolve("a.parquet"), "PAR1");
        Shard found = ShardFinder.find(file.toString()).get(0);

        assertThatThrownBy(() -> found.open(found.beginning(), LETTERS))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("build with MOHAWK_MAVEN_ARGS=-Pparquet");
    }
}
