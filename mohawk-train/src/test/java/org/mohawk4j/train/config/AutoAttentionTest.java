package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;

class AutoAttentionTest {
    @Test
    void layersThatKeepTheirAttentionAreGivenOrRanked() {
        DistillConfig ranked = DistillConfig.defaults().with(Map.of("keep-attention", List.of("auto:2:runs/hybrids")));

        assertThat(ranked.training().autoAttention())
                .contains(new AutoAttention(2, Optional.of(Path.of("runs/hybrids"))));
        assertThat(ranked.training().keepAttention()).isEmpty();
        assertThat(DistillConfigYaml.parse("my.yaml", DistillConfigYaml.format(ranked)))
                .isEqualTo(ranked);
        assertThat(ranked.with(Map.of("keep-attention", List.of("3", "1"))))
                .isEqualTo(DistillConfig.builder().keepAttention(3, 1).build());
        assertThat(DistillConfigYaml.parse("my.yaml", "keep-attention: auto:3"))
                .isEqualTo(DistillConfig.builder()
                        .keepAttention(AutoAttention.of(3))
                        .build());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "keep-attention: auto | keep-attention: expected layers from 0, auto:K or auto:K:STUDY | got 'auto'",
                "keep-attention: [auto:x] | keep-attention: expected layers from 0, auto:K | got 'auto:x'",
                "keep-attention: [1, auto:2] | keep-attention: expected layers from 0, auto:K | got 'auto:2'",
                "keep-attention: auto:0 | keep-attention: auto: expected a whole number of at least 1 | got 0",
                "keep-attention: 1 | keep-attention: expected a list | got 1",
            })
    void anotherFormIsOneLineWithKeyExpectedAndActual(String yaml, String start, String end) {
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", yaml))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("my.yaml: " + start)
                .hasMessageContaining(end)
                .hasMessageNotContaining("\n");
    }
}
