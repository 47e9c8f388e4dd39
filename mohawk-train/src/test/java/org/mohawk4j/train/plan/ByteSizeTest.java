package org.mohawk4j.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "80GiB, 85899345920",
        "141GB, 141000000000",
        "143771MiB, 150754820096",
        "1.5 gib, 1610612736",
        "80G, 85899345920",
        "512m, 536870912",
        "12345B, 12345",
        "7b, 7"
    })
    void amountsHaveUnits(String text, long bytes) {
        assertThat(ByteSize.parse("--gpu-memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GiB", "-1GiB", "0GiB", "80", "1e9", "80 apples", "99999999999999999999GiB", "NaN"})
    void anythingElseIsRefused(String text) {
        assertThatThrownBy(() -> ByteSize.parse("--gpu-memory", text))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("--gpu-memory: expected ");
    }

    @Test
    void amountsAreShownInTheUnitThatFits() {
        assertThat(ByteSize.show(3L << 29)).isEqualTo("1.50 GiB");
        assertThat(ByteSize.show(64L << 20)).isEqualTo("64.0 MiB");
    }
}
