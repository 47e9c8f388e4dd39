package org.mohawk4j.train.yaml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.DistillConfigYaml;

class NearKeysTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "keep_attention: [1] | keep-attention",
                "Context: 256 | context",
                "tokns: 5 | tokens",
                "spilt: [0, 0, 1] | split",
                "evaluation: {heldout: 0.1} | held-out",
                "optimizer: {weight_decay: 0.1} | weight-decay",
                "student: {state_size: 8} | state-size",
                "student: {mixer_options: {}} | mixer-options",
            })
    void aMisspelledKeyIsToldTheKnownOne(String yaml, String key) {
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", yaml))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith(", got an unknown key, did you mean " + key + "?");
    }

    @Test
    void whatIsLikeNoKeyIsToldNone() {
        assertThat(NearKeys.hint("heads", List.of("seed", "mixer", "init", "lr")))
                .isEmpty();
        assertThat(NearKeys.hint("x", List.of("lr", "init"))).isEmpty();
        assertThat(NearKeys.hint("dr", List.of("lr"))).isEmpty();
    }

    @Test
    void theNearestIsTold() {
        assertThat(NearKeys.hint("contexts", List.of("content", "context"))).isEqualTo(", did you mean context?");
    }
}
